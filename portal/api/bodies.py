"""The one door for JSON bodies of the API."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.parser import Parser
from ninja.types import DictStrAny

from portal.core.json_text import read_json


class StorableParser(Parser):
    """Raises `DomainError` for what a database cannot keep or Python cannot walk through."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        body: DictStrAny = read_json(request.body)
        return body
