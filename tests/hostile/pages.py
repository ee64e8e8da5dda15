"""All that people can type into pages: addresses, queries and forms, found on the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urljoin

import redis
from django import forms
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from portal.platform.accounts.models import User
from tests.walker.test_walk import ACTORS, TABLE

ROOT = Path(__file__).resolve().parents[2]
READ_BY_HAND = re.compile(r'request\.(?:GET|POST)\.get(?:list)?\("(\w+)"|"(\w+)" in request\.POST')


@dataclass(frozen=True)
class Page:
    """A line of the walker's table: who has access, and by which method."""

    pattern: str
    method: str
    actors: tuple[str, ...]


def open_pages() -> Iterator[Page]:
    """Every page with the people who get further than the sign-in page or a refusal."""
    for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]:
        pattern, _, rest = line.partition(" ")
        method, *answers = rest.split()
        actors = tuple(
            actor
            for actor, answer in zip(ACTORS, answers, strict=True)
            if answer in {"200", "302", "422", "400"}
        )
        yield Page(pattern, method, actors)


class Visitor:
    """One person's browser. Nothing that it sends leaves a trace in the database."""

    def __init__(self, user: User | None, valkey: redis.Redis) -> None:
        self._client = Client()
        self._valkey = valkey
        if user is not None:
            self._client.force_login(user)
        self._cookies = self._client.cookies.output(header="", sep=";")

    def ask(
        self,
        method: str,
        address: str,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        """Status and page; raises the page's exceptions."""
        cache.clear()
        self._valkey.flushall()
        self._client.cookies = SimpleCookie(self._cookies)
        send = getattr(self._client, method.lower())
        with transaction.atomic():
            response = send(address, data or {}, headers=headers or {})
            text = "" if response.streaming else response.content.decode(errors="replace")
            transaction.set_rollback(True)
        response.close()
        return response.status_code, text


@dataclass
class WebForm:
    """A form of a page with the values that a browser would send unchanged."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


class FormFinder(HTMLParser):
    """Collects the forms of a page, each required field filled in with something."""

    FILLED: Mapping[str, str] = {
        "email": "somebody@example.org",
        "date": "2027-01-31",
        "number": "1",
        "url": "https://example.org/",
    }

    def __init__(self, address: str) -> None:
        super().__init__()
        self.forms: list[WebForm] = []
        self._address = address
        self._form: WebForm | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open(given)
        elif self._form is None:
            return
        elif tag == "option" and self._select:
            if "selected" in given or self._select not in self._form.values:
                self._form.values[self._select] = given.get("value", "")
        elif given.get("name", "csrfmiddlewaretoken") != "csrfmiddlewaretoken":
            self._add(self._form, tag, given)

    def _open(self, given: Mapping[str, str]) -> None:
        action = urljoin(self._address, given.get("action") or self._address)
        self._form = WebForm(action, given.get("method", "get").upper())
        if self._form.method in {"GET", "POST"}:
            self.forms.append(self._form)

    def _add(self, form: WebForm, tag: str, given: Mapping[str, str]) -> None:
        name, kind = given["name"], given.get("type", "text") if tag == "input" else tag
        form.kinds[name] = kind
        if tag == "select":
            self._select = name
        elif kind in {"checkbox", "radio"}:
            form.values.setdefault(name, given.get("value", "on"))
        else:
            form.values[name] = given.get("value") or self.FILLED.get(kind, "Some words")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""


def find_forms(address: str, text: str) -> list[WebForm]:
    finder = FormFinder(address)
    finder.feed(text)
    return finder.forms


def field_names() -> list[str]:
    """The names of all fields of the site's forms, and of what views read without one."""
    names: set[str] = set()
    kinds = [forms.BaseForm]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.__module__.startswith(("portal.", "allauth.")):
            names |= set(getattr(kind, "base_fields", {}))
    for file in (ROOT / "portal").rglob("*.py"):
        for found in READ_BY_HAND.findall(file.read_text(encoding="utf-8")):
            names |= set(filter(None, found))
    return sorted(names)
