"""The error for a plan that cannot be made, with the field to change."""

from __future__ import annotations


class PlanError(ValueError):
    """A plan that cannot be made; `field` is what to change, and `message` says how."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
