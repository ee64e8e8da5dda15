"""A worker's reports on itself and its engine."""
