""".env.example is complete and true."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from inference_workers.config import WorkerSettings
from portal.config.environment import Environment
from tests.production.compose import ROOT, example_variables, interpolated_variables

PORTAL = {name.upper() for name in Environment.model_fields}
WORKERS = {name.upper() for name in WorkerSettings.model_fields}
REQUIRED = {
    "SITE_URL": "https://gatehouse.example.org",
    "SECRET_KEY": "0123456789" * 6,
    "DATABASE_URL": "postgresql:///gatehouse",
    "REDIS_URL": "redis://redis",
    "DEPLOYMENT": "opt-175b",
}


def test_every_setting_is_there_and_nothing_else() -> None:
    assert set(example_variables()) == PORTAL | WORKERS | interpolated_variables()


def test_every_group_of_variables_has_a_comment() -> None:
    previous_is_blank = True
    for line in (ROOT / ".env.example").read_text().splitlines():
        assert not (previous_is_blank and line and not line.startswith("#")), line
        previous_is_blank = not line


@pytest.mark.parametrize("model", [Environment, WorkerSettings])
def test_the_example_starts_once_the_required_values_are_filled_in(
    model: type[Environment | WorkerSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (example_variables() | REQUIRED).items():
        monkeypatch.setenv(name, value)
    model()


@pytest.mark.parametrize("model", [Environment, WorkerSettings])
def test_values_that_are_shown_are_the_defaults(
    model: type[Environment | WorkerSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What differs from the default on purpose is named here."""
    chosen = {"TRUSTED_PROXIES", "DEFAULT_FROM_EMAIL", "SHUTDOWN_GRACE_SECONDS", *REQUIRED}
    for name, value in (example_variables() | REQUIRED).items():
        monkeypatch.setenv(name, value)
    settings = model()
    differing = {
        name.upper()
        for name, field in type(settings).model_fields.items()
        if not field.is_required() and getattr(settings, name) != field.default
    }
    assert differing <= chosen


def test_without_the_required_values_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in example_variables().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        Environment()
    assert {error["loc"] for error in caught.value.errors()} == {
        ("secret_key",),
        ("database_url",),
        ("redis_url",),
    }
