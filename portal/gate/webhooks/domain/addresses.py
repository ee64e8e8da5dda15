"""Where webhooks may be sent: to public addresses, over HTTPS.

The name is resolved once for each try, all its addresses are checked, and the connection is
made to a checked address: a name that points elsewhere a moment later gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from portal.platform.core.domain_names import to_ascii
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""The block that IANA assigns from; every other IPv6 network is local, mapped or multicast."""
SPECIAL: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24", "192.88.99.0/24",  # of protocols; 6to4 relays
        "2001::/23", "2002::/16",  # of protocols, Teredo among them; 6to4
        "3fff::/20",  # documentation
    )
)  # fmt: skip
"""Networks that `is_global` accepts, although no host has them or they embed IPv4 addresses."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Target:
    """A checked address of a URL."""

    address: str
    host: str
    port: int
    path: str
    is_https: bool


def resolve_target(url: str) -> Target:
    """Where a request to `url` may be sent now.

    Raises `DomainError` (`invalid_url`, `https_only`, `unknown_host`, `private_address`), all
    with the field `url`.
    """
    host, port, path, is_https = _split(url)
    addresses = _look_up(host, port)
    trusted = [address for address in addresses if _is_trusted(address)]
    if len(trusted) != len(addresses) and not all(map(_is_public, addresses)):
        raise DomainError(
            RefusalCode.PRIVATE_ADDRESS,
            f"{host} is not a public address. To allow it, add its network to WEBHOOK_NETWORKS.",
            field="url",
        )
    if not is_https and not settings.DEBUG and len(trusted) != len(addresses):
        raise DomainError(
            RefusalCode.HTTPS_ONLY, "The address must begin with https://.", field="url"
        )
    return Target(str(addresses[0]), host, port, path, is_https)


def _split(url: str) -> tuple[str, int, str, bool]:
    try:
        parts = urlsplit(url)
        host, port = to_ascii(parts.hostname or ""), parts.port
    except ValueError:
        raise _invalid() from None
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None or port == 0:
        raise _invalid()
    is_https = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, port or (443 if is_https else 80), path, is_https


def _look_up(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise DomainError(
            RefusalCode.UNKNOWN_HOST, f"There is no address for {host}.", field="url"
        ) from None
    # A link-local address may name its interface behind a percent sign.
    return [_unmap(ipaddress.ip_address(str(row[4][0]).partition("%")[0])) for row in found]


def _unmap(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_public(address: Address) -> bool:
    """Whether it is a global unicast address of a host (IANA's special-purpose registries)."""
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved)
        and (address.version == 4 or address in GLOBAL_UNICAST)
        and not any(address in network for network in SPECIAL)
    )


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in settings.WEBHOOK_NETWORKS)


def _invalid() -> DomainError:
    return DomainError(
        RefusalCode.INVALID_URL,
        "Write an address such as https://example.org/gatehouse.",
        field="url",
    )
