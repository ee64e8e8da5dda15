"""What is released, and who may use it."""
