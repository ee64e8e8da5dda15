"""The planner's floor and expectation compared with real vLLM on a machine with GPUs."""
