"""Grants: made, limited, extended and ended."""
