from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.test import Client

PRINT_ADDRESSES = """
import django; django.setup()
from django.urls import get_resolver
print(*sorted(name for name in get_resolver().reverse_dict if isinstance(name, str)))
"""
VARIABLES = {
    "ORCID_CLIENT_ID": "orcid_login",
    "GITHUB_CLIENT_ID": "github_login",
    "GOOGLE_CLIENT_ID": "google_login",
    "OIDC_CLIENT_ID": "openid_connect_login",
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["orcid", "github", "google", "oidc/institution"])
def test_provider_that_is_not_configured_has_no_pages(client: Client, name: str) -> None:
    assert client.get(f"/account/{name}/login/").status_code == 404


def test_each_provider_is_ready_by_its_variables() -> None:
    environment = {
        **os.environ,
        **dict.fromkeys(VARIABLES, "an-id"),
        "OIDC_SERVER_URL": "https://login.example.org",
        "DJANGO_SETTINGS_MODULE": "portal.config.settings",
    }

    done = subprocess.run(
        [sys.executable, "-c", PRINT_ADDRESSES],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    served = set(done.stdout.split())
    assert {name for name in VARIABLES.values() if name in served} == set(VARIABLES.values())
