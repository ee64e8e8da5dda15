"""What views need to know about a request."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import cast

from django.conf import settings
from django.http import HttpRequest, JsonResponse

from portal.platform.core.refusals import RefusalCode

NO_COUNTRY = frozenset({"XX", "ZZ", "AP", "EU"})
"""What proxies send when they do not know the country, or know only the continent."""


def client_ip(request: HttpRequest) -> str | None:
    """The client's address, trusting exactly TRUSTED_PROXIES entries of X-Forwarded-For.

    Entries are counted from the right, because a client can prepend anything it likes.
    For an entry that is not an address (a proxy's "unknown") it is the peer's address.
    """
    remote = cast("str | None", request.META.get("REMOTE_ADDR")) or None
    if not settings.TRUSTED_PROXIES:
        return remote
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    hops = [hop for hop in hops if hop]
    if len(hops) < settings.TRUSTED_PROXIES:
        return remote
    hop = hops[-settings.TRUSTED_PROXIES]
    return hop if _is_address(hop) else remote


def network_of(address: str) -> str:
    """The address itself, or for IPv6 its /64, within which a host can choose its address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Network((int(parsed) >> 64 << 64, 64)))


def connection_country(request: HttpRequest) -> str:
    """The request's country by COUNTRY_HEADER, as two capital letters; empty if unknown.

    The header is read only behind a trusted proxy, which must set it and drop a client's own.
    Codes that stand for no country, such as XX and T1, count as unknown.
    """
    if not settings.COUNTRY_HEADER or not settings.TRUSTED_PROXIES:
        return ""
    code = request.headers.get(settings.COUNTRY_HEADER, "").strip().upper()
    is_country = len(code) == 2 and code.isascii() and code.isalpha() and code not in NO_COUNTRY
    return code if is_country else ""


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def has_nul(query: str) -> bool:
    """Whether a query string contains a NUL, which the database's text fields cannot store."""
    return "%00" in query or "\0" in query


def wants_json(request: HttpRequest) -> bool:
    """Whether the client asked for JSON rather than a page."""
    return request.headers.get("Accept", "").startswith("application/json")


def takes_events(request: HttpRequest) -> bool:
    """Whether the request comes from a stream's reader rather than from an address bar."""
    return "text/event-stream" in request.headers.get("Accept", "")


def refuse_as_json(
    code: RefusalCode, message: str, *, label: str = "", url: str = "", status: int | None = None
) -> JsonResponse:
    """A refusal for a page's script, with a link to the next step if there is one.

    The status is the code's own, unless the page needs another.
    """
    step = {"label": label, "url": url} if url else None
    error = {"code": code, "message": message, "next_step": step}
    return JsonResponse({"error": error}, status=status or code.shape.status)
