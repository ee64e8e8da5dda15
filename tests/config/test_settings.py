"""The settings of production, read by a separate process."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.production.compose import ROOT

PRODUCTION = {
    "DATABASE_URL": "postgresql://none.invalid/none",
    "REDIS_URL": "redis://none.invalid",
    "SITE_URL": "https://gatehouse.example.org",
    "SECRET_KEY": "for-the-checks-only-0123456789-abcdefghijklmnopqrstuvwxyz",
    "TRUSTED_PROXIES": "1",
    "DEMO": "",
    "DJANGO_SETTINGS_MODULE": "portal.config.settings",
}
SHOW = """
import json
from django.conf import settings
names = ["DEBUG", "ALLOWED_HOSTS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE",
         "SECURE_PROXY_SSL_HEADER", "REQUIRE_STAFF_MFA", "EMAIL_BACKEND"]
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **PRODUCTION, "ALLOWED_HOSTS": "", **more},
        capture_output=True,
        text=True,
        check=False,
    )


def test_djangos_deployment_checks_find_nothing() -> None:
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert (done.returncode, done.stdout) == (
        0,
        "System check identified no issues (0 silenced).\n",
    )


def test_production_is_strict() -> None:
    assert json.loads(run("-c", SHOW).stdout) == {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["gatehouse.example.org"],
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"],
        "REQUIRE_STAFF_MFA": True,
        "EMAIL_BACKEND": "portal.platform.core.mail.EmailBackend",
    }


def test_without_a_proxy_nobody_is_believed_about_https() -> None:
    shown = json.loads(run("-c", SHOW, TRUSTED_PROXIES="0").stdout)
    assert shown["SECURE_PROXY_SSL_HEADER"] is None


def test_a_wrong_variable_ends_any_command_without_a_trace() -> None:
    done = run("manage.py", "check", SECRET_KEY="short")
    assert (done.returncode, done.stderr) == (
        2,
        "Gatehouse cannot start. SECRET_KEY: String should have at least 50 characters\n",
    )
