"""A server that the portal calls can respond slowly or never end: the caller gives up in time."""

from __future__ import annotations

import gzip
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest
import requests
from django.core.mail import EmailMessage
from pytest_django import Settings

from portal.gate.webhooks.domain import posting
from portal.gate.webhooks.domain.posting import Answer, post
from portal.platform.accounts.adapter import SocialAccountAdapter
from portal.platform.core import http_client, mail
from portal.platform.core.deadlines import DeadlineExceededError
from portal.platform.core.mail import EmailBackend

SECONDS = 0.3
"""A short deadline; slow responses would never end without one."""
OK = b"HTTP/1.1 200 OK\r\n"


@dataclass
class Dripping:
    """Sends `begin` to each client, then `more` again and again until the client is gone."""

    begin: bytes
    more: bytes
    pause: float = 0.02
    left: threading.Event = field(default_factory=threading.Event)
    """Set when a client has gone."""

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                self._drip(client)

    def _drip(self, client: socket.socket) -> None:
        with suppress(OSError):
            client.sendall(self.begin)
            while self._is_there(client):
                client.sendall(self.more)
        self.left.set()

    def _is_there(self, client: socket.socket) -> bool:
        readable, _, _ = select.select([client], [], [], self.pause)
        return not readable or bool(client.recv(2**16))


@contextmanager
def serving(server: Dripping) -> Iterator[int]:
    """Its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.serve, args=[listener])
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            # Closing alone would not wake the thread that waits to accept.
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


HEADS = [
    (b"", b"H"),
    (OK, b"x"),
    (OK + b"X-More: ", b"x"),
    (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
]
BODIES = [
    (OK + b"Content-Length: 100000\r\n\r\n", b"x"),
    # Ends with the connection: the bytes read so far are not a response.
    (OK + b"\r\n", b"{}"),
]


@pytest.fixture(autouse=True)
def _short_deadlines(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.WEBHOOK_NETWORKS = (ip_network("127.0.0.0/8"),)
    for module in (http_client, posting):
        monkeypatch.setattr(module, "ANSWER_SECONDS", SECONDS)
    monkeypatch.setattr(mail, "MAIL_SECONDS", SECONDS)


@pytest.mark.parametrize(("begin", "more"), HEADS)
def test_a_webhook_endpoint_that_drips(begin: bytes, more: bytes) -> None:
    server = Dripping(begin, more)
    with serving(server) as port:
        answer = post(f"http://127.0.0.1:{port}/hooks", body=b"{}", headers={})

        assert server.left.wait(20)
    assert answer == Answer(None, "DeadlineExceededError")


def test_a_webhook_endpoint_that_drips_before_there_is_tls() -> None:
    # The header of a record of 16,000 bytes, which never arrive.
    server = Dripping(b"\x16\x03\x03\x3e\x80", b"\x02")
    with serving(server) as port:
        answer = post(f"https://127.0.0.1:{port}/hooks", body=b"{}", headers={})

    assert answer == Answer(None, "DeadlineExceededError")


def test_of_a_webhook_endpoints_answer_only_the_head_is_read() -> None:
    server = Dripping(OK + b"\r\n", b"x" * 2**16)
    with serving(server) as port:
        assert post(f"http://127.0.0.1:{port}/hooks", body=b"{}", headers={}) == Answer(200)
        assert server.left.wait(20)


@pytest.mark.parametrize(("begin", "more"), [*HEADS, *BODIES])
def test_a_site_to_sign_in_with_that_drips(begin: bytes, more: bytes) -> None:
    with (
        serving(Dripping(begin, more)) as port,
        SocialAccountAdapter().get_requests_session() as session,
        pytest.raises(requests.ReadTimeout),
    ):
        session.get(f"http://127.0.0.1:{port}/.well-known/openid-configuration")


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (OK + b"\r\n", b"x" * 2**16),
        (OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"\0" * 2**24)),
    ],
)
def test_a_site_to_sign_in_with_that_does_not_end(
    begin: bytes, more: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "ANSWER_SECONDS", 20.0)
    with (
        serving(Dripping(begin, more, pause=0)) as port,
        SocialAccountAdapter().get_requests_session() as session,
        pytest.raises(requests.RequestException, match="more than 1,048,576 bytes"),
    ):
        session.get(f"http://127.0.0.1:{port}/")


def test_a_site_to_sign_in_with_that_sends_on_and_on() -> None:
    server = Dripping(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", b"")
    with (
        serving(server) as port,
        SocialAccountAdapter().get_requests_session() as session,
        pytest.raises(requests.TooManyRedirects),
    ):
        session.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("begin", "more"),
    [(b"", b"2"), (b"220-hello\r\n", b"220-hello\r\n"), (b"220 hello\r\n", b"250-x\r\n")],
)
def test_a_mail_server_that_drips(begin: bytes, more: bytes) -> None:
    with serving(Dripping(begin, more)) as port, pytest.raises(DeadlineExceededError):
        EmailBackend(host="127.0.0.1", port=port, timeout=20).send_messages(
            [EmailMessage("A subject", "A text", to=["ada@example.org"])]
        )


def test_a_mail_service_that_drips(settings: Settings) -> None:
    settings.ANYMAIL_BACKEND = "postmark"
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "token"}
    from portal.platform.core import mail_service

    with serving(Dripping(*BODIES[0])) as port, pytest.raises(requests.ReadTimeout):
        mail_service.EmailBackend(api_url=f"http://127.0.0.1:{port}/").send_messages(
            [EmailMessage("A subject", "A text", to=["ada@example.org"])]
        )
