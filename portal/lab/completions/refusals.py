"""The body of a refusal, as OpenAI's clients read it."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from portal.platform.core.errors import DomainError


def describe_error(error: DomainError) -> dict[str, Any]:
    """`{"error": {...}}`, with the next step if there is one."""
    body: dict[str, Any] = {
        "message": error.message,
        "type": error.code.shape.type,
        "param": error.field,
        "code": str(error.code),
    }
    if error.next_url:
        body["next_step"] = settings.SITE_URL + error.next_url
    return {"error": body}
