"""One POST to an endpoint: to the checked address, without redirects, in limited time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import urllib3

from portal.gate.webhooks.domain.addresses import Target, resolve_target
from portal.platform.core.deadlines import Deadline
from portal.platform.core.errors import DomainError
from portal.platform.core.http_client import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    WatchedPool,
    WatchedTlsPool,
)

TIMEOUT: Final = urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)


@dataclass(frozen=True)
class Answer:
    """The response: a status, or the name of the error."""

    status: int | None
    error: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the endpoint wants no more events (410)."""
        return self.status == 410


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send `body`; only the status of the answer is read. Raises nothing."""
    try:
        target = resolve_target(url)
        with Deadline(ANSWER_SECONDS), _pool(target) as pool:
            response = pool.urlopen(
                "POST",
                target.path,
                body=body,
                headers={**headers, "Host": _host_header(target)},
                redirect=False,
                retries=False,
                timeout=TIMEOUT,
                preload_content=False,
            )
            status = response.status
            response.close()
    except DomainError as error:
        return Answer(None, error.code)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        return Answer(None, type(error).__name__)
    return Answer(status)


def _pool(target: Target) -> urllib3.HTTPConnectionPool:
    if not target.is_https:
        return WatchedPool(target.address, target.port)
    # Connect to the address; ask for the host's certificate, which must name the host.
    return WatchedTlsPool(
        target.address,
        target.port,
        server_hostname=target.host,
        assert_hostname=target.host,
    )


def _host_header(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = 443 if target.is_https else 80
    return host if target.port == usual else f"{host}:{target.port}"
