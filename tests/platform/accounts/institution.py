"""An OpenID Connect provider on this machine, as an institution would run one."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt

CLIENT_ID, CLIENT_SECRET = "gatehouse", "a-client-secret-of-thirty-two-bytes"


class Institution(HTTPServer):
    """Knows one person, and gives one code for them, bound to a PKCE challenge."""

    def __init__(self, person: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.person = person
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.challenge = ""

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def exchange(self, form: dict[str, list[str]]) -> dict[str, Any] | None:
        verifier = form.get("code_verifier", [""])[0].encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=")
        known = form.get("client_secret") == [CLIENT_SECRET] and form.get("code") == ["the-code"]
        if not known or challenge.decode() != self.challenge:
            return None
        claims = {"iss": self.url, "aud": CLIENT_ID, "exp": 4_000_000_000, **self.person}
        token = jwt.encode(claims, CLIENT_SECRET, algorithm="HS256")
        return {"access_token": "access", "token_type": "Bearer", "id_token": token}


class _Handler(BaseHTTPRequestHandler):
    server: Institution

    def do_GET(self) -> None:
        pages = {
            "/.well-known/openid-configuration": self.server.metadata(),
            "/userinfo": self.server.person,
        }
        self._answer(pages.get(self.path))

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._answer(self.server.exchange(form) if self.path == "/token" else None)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name in Python
        """Tests need no access log."""

    def _answer(self, body: dict[str, Any] | None) -> None:
        content = json.dumps(body or {"error": "invalid_grant"}).encode()
        self.send_response(200 if body else 400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def running_institution(person: dict[str, Any]) -> Iterator[Institution]:
    with Institution(person) as institution:
        thread = threading.Thread(target=institution.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield institution
        finally:
            institution.shutdown()
            thread.join()
