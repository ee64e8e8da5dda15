"""Entries and ranges of a logbook as entries for BibTeX."""

from __future__ import annotations

from django.conf import settings

from portal.library.logbook.models import Entry, Run
from portal.platform.core.bibtex import escape_bibtex, write_misc

SHORT = 12


def cite_entry(entry: Entry) -> str:
    """The entry by its own authors, or else those of the logbook; dated when it happened."""
    return write_misc(
        f"{entry.run.slug}-{entry.slug}",
        {
            "author": _write_authors(entry.run, entry.authors),
            "title": f"{{{escape_bibtex(entry.run.name)}}}: {escape_bibtex(entry.title)}",
            "year": f"{entry.at:%Y}",
            "date": f"{entry.at:%Y-%m-%d}",
            "url": settings.SITE_URL + entry.get_absolute_url(),
            "note": _write_note(entry.run, escape_bibtex(entry.source)),
        },
    )


def cite_range(run: Run, *, path: str, words: str) -> str:
    """The logbook of a run, or a range of it that `path` shows and `words` name."""
    part = f", {escape_bibtex(words)}" if words else ""
    return write_misc(
        f"{run.slug}-logbook",
        {
            "author": _write_authors(run, []),
            "title": f"Logbook of {{{escape_bibtex(run.name)}}}{part}",
            "year": f"{(run.ended_at or run.started_at):%Y}",
            "url": settings.SITE_URL + path,
            "note": _write_note(run, ""),
        },
    )


def _write_authors(run: Run, own: list[str]) -> str:
    """Each name in braces: BibTeX would take a comma or an “and” in it for its own."""
    names = own or run.authors or [run.release.licensor]
    return " and ".join(f"{{{escape_bibtex(name)}}}" for name in names)


def _write_note(run: Run, source: str) -> str:
    version = f"Version {run.version[:SHORT]} of the logbook (SHA-256)"
    return f"{version}. Source: {source}" if source else version
