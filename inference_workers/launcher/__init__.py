"""Starts an engine, looks after it, ends it."""
