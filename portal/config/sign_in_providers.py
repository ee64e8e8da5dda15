"""Other accounts with which people sign in: those that the environment configures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from portal.config.environment import Environment

ORIGINS: Final = {
    "orcid": "https://orcid.org",
    "github": "https://github.com",
    "google": "https://accounts.google.com",
}


@dataclass(frozen=True)
class Providers:
    """What allauth needs to know of them."""

    apps: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    origins: list[str] = field(default_factory=list)
    """Browsers check the redirects after a form's POST against `form-action` too."""

    def add(self, name: str, *, origin: str, settings: dict[str, Any]) -> None:
        """One more provider."""
        self.apps.append(f"allauth.socialaccount.providers.{name}")
        self.settings[name] = settings
        self.origins.append(origin)


def find_providers(env: Environment) -> Providers:
    """The configured ones. Another is not installed: its sign-in would end in an error."""
    found = Providers()
    for name, origin in ORIGINS.items():
        if client_id := getattr(env, f"{name}_client_id"):
            app = {"client_id": client_id, "secret": getattr(env, f"{name}_client_secret")}
            found.add(name, origin=origin, settings={"APPS": [app]})
    if env.oidc_client_id:
        app = {
            "provider_id": "institution",
            "name": env.oidc_name,
            "client_id": env.oidc_client_id,
            "secret": env.oidc_client_secret,
            "settings": {"server_url": env.oidc_server_url},
        }
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(env.oidc_server_url))
        settings = {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}
        found.add("openid_connect", origin=origin, settings=settings)
    return found
