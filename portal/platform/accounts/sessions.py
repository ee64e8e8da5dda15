"""Sessions in the database, with the query that every request makes compiled once."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from portal.platform.core.compiled import CompiledModels

_SESSION: Final = CompiledModels(
    lambda key, at: Session.objects.filter(session_key=key, expire_date__gt=at),
    key=str,
    at=datetime,
)


class SessionStore(db.SessionStore):
    """Django's own; see `SESSION_ENGINE`."""

    def _validate_session_key(self, key: str) -> bool:
        """Whether the site could have issued this key; a quoted cookie may even hold a NUL."""
        is_known_form: bool = super()._validate_session_key(key)  # type: ignore[misc]
        return is_known_form and key.isascii() and key.isalnum()

    def _get_session_from_db(self) -> Session | None:
        found = _SESSION.find(key=self.session_key or "", at=timezone.now())
        if not found:
            self._session_key = None
        return found[0] if found else None
