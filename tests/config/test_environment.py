"""Wrong settings stop the portal with one line that names the variable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portal.config.environment import Environment, load_environment
from portal.gate.access.country_list import read_country_list

GOOD = {
    "DATABASE_URL": "postgresql:///gatehouse",
    "REDIS_URL": "redis://redis:6379/0",
    "SECRET_KEY": "0123456789" * 6,
    "SITE_URL": "https://gatehouse.example.org",
}


@pytest.fixture(autouse=True)
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the variables that a production container gets."""
    for field in Environment.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)
        monkeypatch.delenv(f"{field.upper()}_FILE", raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def refusal(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines with which the environment is refused."""
    with pytest.raises(SystemExit) as stopped:
        load_environment()
    assert stopped.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if not line.startswith("Gatehouse cannot start. ")] == []
    return [line.removeprefix("Gatehouse cannot start. ") for line in lines]


def test_a_good_environment_is_read() -> None:
    environment = load_environment()
    assert environment.host == "gatehouse.example.org"
    assert environment.is_https is True
    assert environment.demo is False
    assert environment.allowed_hosts == ()


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        (
            "DATABASE_URL",
            "sqlite:///db.sqlite3",
            "DATABASE_URL: must begin with postgresql://; no other database is supported",
        ),
        (
            "REDIS_URL",
            "amqp://rabbit",
            "REDIS_URL: must begin with redis://, rediss:// or unix://",
        ),
        ("SECRET_KEY", "short", "SECRET_KEY: String should have at least 50 characters"),
        (
            "SITE_URL",
            "gatehouse.example.org",
            "SITE_URL: must be an origin such as https://gatehouse.example.org",
        ),
        (
            "EMAIL_PORT",
            "smtp",
            "EMAIL_PORT: Input should be a valid integer, unable to parse string as an integer",
        ),
        ("EMAIL_PORT", "0", "EMAIL_PORT: Input should be greater than or equal to 1"),
        ("TRUSTED_PROXIES", "9", "TRUSTED_PROXIES: Input should be less than or equal to 5"),
        ("JOBS_PER_USER", "0", "JOBS_PER_USER: Input should be greater than or equal to 1"),
        (
            "RETURNED_CLOSE_DAYS",
            "7",
            "RETURNED_CLOSE_DAYS: Input should be greater than or equal to 8",
        ),
        *(
            (name, "0", f"{name}: Input should be greater than or equal to 1")
            for name in (
                "RENEWAL_WINDOW_DAYS",
                "DRAFT_RETENTION_DAYS",
                "REFUSED_RETENTION_DAYS",
                "READ_NOTICE_RETENTION_DAYS",
                "UNVERIFIED_ACCOUNT_DAYS",
                "DEMO_MAIL_RETENTION_DAYS",
            )
        ),
        (
            "RENEWAL_LATE_DAYS",
            "-1",
            "RENEWAL_LATE_DAYS: Input should be greater than or equal to 0",
        ),
        ("LOG_FORMAT", "xml", "LOG_FORMAT: Input should be 'console' or 'json'"),
    ],
)
def test_a_wrong_value_stops_the_start_and_names_the_variable(
    name: str,
    value: str,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)
    assert refusal(capsys) == [line]


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "SECRET_KEY"])
def test_a_missing_value_stops_the_start(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(name)
    assert refusal(capsys) == [f"{name}: Field required"]


def test_every_wrong_value_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("REDIS_URL", "nonsense")
    assert refusal(capsys) == [
        "DATABASE_URL: Field required",
        "REDIS_URL: must begin with redis://, rediss:// or unix://",
    ]


def test_plain_http_is_for_the_demo_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SITE_URL", "http://gatehouse.example.org")
    assert refusal(capsys) == ["SITE_URL must be https:// unless DEMO or DEBUG is on"]
    monkeypatch.setenv("DEMO", "1")
    assert load_environment().is_https is False


def test_a_value_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret_key"
    secret.write_text("abcdefghij" * 6 + "\n")
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.setenv("SECRET_KEY_FILE", os.fspath(secret))
    assert load_environment().secret_key == "abcdefghij" * 6


def test_a_value_and_its_file_exclude_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECRET_KEY_FILE", os.fspath(tmp_path / "secret_key"))
    assert refusal(capsys) == ["SECRET_KEY: set it or SECRET_KEY_FILE, not both"]


def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nothing"
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.setenv("SECRET_KEY_FILE", os.fspath(missing))
    line = f"SECRET_KEY_FILE: cannot read {missing} (No such file or directory)"
    assert refusal(capsys) == [line]


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_PER_USER", "")
    assert load_environment().jobs_per_user == Environment.model_fields["jobs_per_user"].default


def test_host_names_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "a.example.org, b.example.org,")
    assert load_environment().allowed_hosts == ("a.example.org", "b.example.org")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://redis:6379/0", "redis://redis:6379/0"),
        ("unix:///run/valkey.sock", "redis+socket:///run/valkey.sock?virtual_host=0"),
        ("unix:///run/valkey.sock?db=3", "redis+socket:///run/valkey.sock?virtual_host=3"),
    ],
)
def test_celery_gets_the_brokers_address_in_its_own_spelling(
    url: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert load_environment().celery_broker_url == expected


def test_a_country_header_needs_a_trusted_proxy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COUNTRY_HEADER", "CF-IPCountry")
    assert refusal(capsys) == ["COUNTRY_HEADER needs TRUSTED_PROXIES: any client can send a header"]
    monkeypatch.setenv("TRUSTED_PROXIES", "1")
    assert load_environment().country_header == "CF-IPCountry"


def test_a_person_may_keep_at_least_one_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FILE_MB_PER_USER", "99")
    assert refusal(capsys) == ["FILE_MB_PER_USER must not be less than BATCH_FILE_MB"]
    monkeypatch.setenv("BATCH_FILE_MB", "99")
    assert load_environment().file_mb_per_user == 99


def test_a_wrong_country_list_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "countries.toml"
    path.write_text('version = "1"\n')
    monkeypatch.setenv("COUNTRY_LIST", str(path))
    assert refusal(capsys) == [f"COUNTRY_LIST: {path}: source: Field required"]


def test_a_wrong_list_of_organisations_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "affiliations.csv"
    path.write_text("name\n")
    monkeypatch.setenv("AFFILIATION_LIST", str(path))
    message = f"{path}, line 1: the columns are ror, name, other_names, domains"
    assert refusal(capsys) == [f"AFFILIATION_LIST: {message}"]


def test_the_shipped_country_list_is_read() -> None:
    assert read_country_list(load_environment().country_list).version == "2026-11-01"
