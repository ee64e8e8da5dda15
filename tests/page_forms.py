"""The forms of a page as a browser finds and sends them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

TYPED_INTO: Final = {"text", "search", "email", "url", "textarea"}
Attributes = list[tuple[str, str | None]]


@dataclass
class PageForm:
    """A form's target, and the values that it sends unchanged; a button adds its own."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    """The names of the text fields."""
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """Name, value and address of each."""


class _Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.forms: list[PageForm] = []
        self.open: PageForm | None = None
        self.area: str | None = None
        self.select: str | None = None

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.open = PageForm(urlsplit(given.get("action") or self.page).path)
            if given.get("method", "").lower() == "post":
                self.forms.append(self.open)
        elif self.open is not None:
            self._control(self.open, tag, given)

    def _control(self, form: PageForm, tag: str, given: dict[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "textarea":
            self.area = name
            form.texts.append(name)
            form.fields[name] = [""]
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in given:
            form.fields.setdefault(self.select, []).append(given.get("value", ""))
        elif tag == "button" and given.get("type", "submit") == "submit":
            action = urlsplit(given.get("formaction") or form.action).path
            form.buttons.append((name, given.get("value", ""), action))
        elif tag == "input" and name and kind not in {"submit", "file", "password"}:
            if kind in TYPED_INTO:
                form.texts.append(name)
            if kind not in {"radio", "checkbox"} or "checked" in given:
                unsaid = "on" if kind == "checkbox" else ""
                form.fields.setdefault(name, []).append(given.get("value", unsaid))

    def handle_data(self, data: str) -> None:
        if self.open is not None and self.area is not None:
            self.open.fields[self.area][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "textarea":
            # A browser drops the line break that HTML allows after the tag.
            if self.open is not None and self.area is not None:
                kept = self.open.fields[self.area][0]
                self.open.fields[self.area] = [kept.removeprefix("\r\n").removeprefix("\n")]
            self.area = None
        elif tag == "select":
            self.select = None


def read_forms(html: str, *, page: str) -> list[PageForm]:
    """The forms of the page at this address that are sent by POST."""
    reader = _Reader(page)
    reader.feed(html)
    return reader.forms


def find_form(html: str, *, page: str, action: str) -> PageForm:
    """The page's main form for this address: the one with the most fields."""
    found = [form for form in read_forms(html, page=page) if form.action == action]
    return max(reversed(found), key=lambda form: len(form.fields))
