"""The base of all other parts: people, mail and the audit log."""
