"""The console's forms, one file for each page."""
