"""What people fill in at the console, a file for each of its pages."""
