"""`python -m inference_workers plan`: the capacity planner on the command line."""
