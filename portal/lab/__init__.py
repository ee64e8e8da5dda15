"""Using a model: the playground, the API and batches."""
