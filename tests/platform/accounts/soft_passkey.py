"""A passkey in software, which answers the site's challenges like a browser."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

from tests.platform.accounts.walking import confirm_password

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class SoftPasskey:
    """One resident ES256 key. By default it verifies its user."""

    def __init__(self, *, origin: str = "http://testserver", verifies_user: bool = True) -> None:
        self.origin = origin
        self.id = secrets.token_bytes(16)
        self.flags = PRESENT | (VERIFIED if verifies_user else 0)
        self.user_handle = b""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: dict[str, Any]) -> str:
        """The JSON that a browser sends for `navigator.credentials.create`."""
        self.user_handle = websafe_decode(options["user"]["id"])
        # fido2 leaves it untyped.
        key = ES256.from_cryptography_key(self._key.public_key())  # type: ignore[no-untyped-call]
        public_key = cbor.encode(dict(key))
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public_key
        data = self._authenticator_data(options["rp"]["id"], ATTESTED) + attested
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            clientDataJSON=self._client_data("webauthn.create", options["challenge"]),
            attestationObject=attestation,
        )

    def get(self, options: dict[str, Any]) -> str:
        """The JSON that a browser sends for `navigator.credentials.get`."""
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = self._authenticator_data(options["rpId"], 0)
        signed = data + hashlib.sha256(client_data).digest()
        return self._answer(
            clientDataJSON=client_data,
            authenticatorData=data,
            signature=self._key.sign(signed, ec.ECDSA(hashes.SHA256())),
            userHandle=self.user_handle,
        )

    def _authenticator_data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([self.flags | flags]) + bytes(4)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        data = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(data).encode()

    def _answer(self, **response: bytes) -> str:
        encoded = {name: websafe_encode(value) for name, value in response.items()}
        name = websafe_encode(self.id)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "response": encoded,
                "clientExtensionResults": {"credProps": {"rk": True}},
            }
        )


def add_passkey(client: Client, passkey: SoftPasskey) -> Any:
    """Add the passkey to the account signed in, through the pages."""
    confirm_password(client)
    page = client.get("/account/2fa/webauthn/add/")
    options = json.loads(json.dumps(dict(page.context["js_data"]["creation_options"]["publicKey"])))
    return client.post(
        "/account/2fa/webauthn/add/",
        {"name": "Laptop", "passwordless": "on", "credential": passkey.create(options)},
    )
