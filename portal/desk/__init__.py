"""For the people who decide, operate and answer for it."""
