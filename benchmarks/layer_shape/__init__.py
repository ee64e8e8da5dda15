"""Layers of a large model's true shape in real vLLM on the CPU."""
