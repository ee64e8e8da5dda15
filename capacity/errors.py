"""What cannot be planned, with the field that must change."""

from __future__ import annotations


class PlanError(ValueError):
    """A question without an answer; `field` names what to change and `message` says how."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
