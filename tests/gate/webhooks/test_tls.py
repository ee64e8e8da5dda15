"""https: the checked address is called, and the certificate must name the host."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django import Settings

from portal.gate.webhooks.domain.posting import Answer, post
from tests.gate.webhooks.receiver import Receiver

CERTIFIED = "hooks.example"


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate for `CERTIFIED` that this process trusts; its key is in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, CERTIFIED)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(CERTIFIED)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file


@pytest.fixture
def secure(certificate: Path, settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOK_NETWORKS = (ip_network("127.0.0.0/8"),)
    with Receiver() as receiver:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server = receiver._server
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield receiver


@pytest.mark.parametrize(
    ("host", "answer"),
    [(CERTIFIED, Answer(204)), ("other.example", Answer(None, "SSLError"))],
)
def test_the_certificate_has_to_name_the_host_at_the_pinned_address(
    secure: Receiver, monkeypatch: pytest.MonkeyPatch, host: str, answer: Answer
) -> None:
    port = secure._server.server_address[1]

    def look_up(name: str, port: int, *_: object, **__: Any) -> list[Any]:
        # A name is looked up once; the connection is made to its address.
        known = {host: "127.0.0.1", "127.0.0.1": "127.0.0.1"}
        row = (socket.AF_INET, socket.SOCK_STREAM, 6, "", (known[name], port))
        return [row]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert post(f"https://{host}:{port}/hooks", body=b"{}", headers={}) == answer
    named = [request.headers["host"] for request in secure.requests]
    assert named == ([f"{host}:{port}"] if answer.is_accepted else [])
