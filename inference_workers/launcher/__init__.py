"""Starts, supervises and stops an engine."""
