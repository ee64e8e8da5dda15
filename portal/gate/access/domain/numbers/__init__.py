"""What the process measures about itself."""
