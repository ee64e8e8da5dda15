"""The planner's floor and expectation against real vLLM on a machine with GPUs."""
