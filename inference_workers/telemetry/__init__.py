"""What a worker tells of itself and its engine."""
