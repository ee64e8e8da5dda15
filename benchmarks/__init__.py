"""Measurements of several subjects, each printing one table: `make bench`."""
