"""The files that turn text into ids, and who hands them to the portal."""
