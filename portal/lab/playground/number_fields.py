"""Number inputs whose errors name the field and its range."""

from __future__ import annotations

from django import forms


def say_range(name: str, low: str, high: str = "") -> dict[str, str]:
    """Error messages that name the field and its range."""
    between = f"between {low} and {high}" if high else f"{low} or more"
    return {
        "required": f"{name} is a number {between}.",
        "invalid": f"{name} is a number {between}.",
        "min_value": f"{name} is {between}.",
        "max_value": f"{name} is {between}." if high else f"{name} is too large.",
    }


def number(*, step: str = "any", **attributes: str) -> forms.NumberInput:
    return forms.NumberInput(attrs={"step": step, "autocomplete": "off", **attributes})
