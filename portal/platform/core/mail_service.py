"""Mail by the API of a service that ANYMAIL_BACKEND names, with a deadline."""

from __future__ import annotations

from typing import Any

import requests
from django.conf import settings
from django.utils.module_loading import import_string

from portal.platform.core.http_client import bound_session

Service: Any = import_string(f"anymail.backends.{settings.ANYMAIL_BACKEND}.EmailBackend")


class EmailBackend(Service):  # type: ignore[misc]
    """The service's backend, with limits on its requests."""

    def create_session(self) -> requests.Session:
        """The session for sending one batch of mails."""
        return bound_session(super().create_session())
