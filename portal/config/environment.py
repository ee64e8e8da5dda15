"""Every environment variable that the portal reads, typed, in one place.

A value may also come from a file: for each variable `X`, `X_FILE` names a file whose
content is the value (Docker and Kubernetes secrets). Setting both is refused.
"""

from __future__ import annotations

import os
import sys
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, NoReturn
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from capacity.energy import CARBON_INTENSITY
from portal.gate.access.affiliation_list import read_affiliations
from portal.gate.access.country_list import read_country_list

BASE_DIR = Path(__file__).resolve().parents[2]
METRICS_TOKEN_LENGTH = 16


class Environment(BaseSettings):
    """The portal's configuration. Names are the environment variables, in lower case."""

    model_config = SettingsConfigDict(case_sensitive=False, extra="ignore", env_ignore_empty=True)

    # The site
    demo: bool = False
    debug: bool = False
    site_url: str = "http://127.0.0.1:8000"
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    secret_key: str = Field(min_length=50)
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    release_dir: Path = BASE_DIR / "releases" / "demo"
    var_dir: Path = BASE_DIR / "var"

    # Data
    database_url: str
    database_pool_size: int = Field(default=24, ge=1, le=200)
    redis_url: str

    # Mail
    default_from_email: str = "Gatehouse <gatehouse@localhost>"
    email_host: str = "localhost"
    email_port: int = Field(default=25, ge=1, le=65535)
    email_host_user: str = ""
    email_host_password: str = ""
    email_use_tls: bool = False
    anymail_backend: str = ""
    anymail_api_key: str = ""

    # Sign-in through other sites
    orcid_client_id: str = ""
    orcid_client_secret: str = ""
    github_client_id: str = ""
    github_client_secret: str = ""
    google_client_id: str = ""
    google_client_secret: str = ""
    oidc_name: str = "Institution"
    oidc_server_url: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""

    # Limits
    queue_limit: int = Field(default=500, ge=1)
    jobs_per_user: int = Field(default=4, ge=1)
    api_jobs_per_user: int = Field(default=32, ge=1)
    api_read_mb_per_minute: int = Field(default=60, ge=1)
    daily_token_quota: int = Field(default=200_000, ge=1)
    queue_deadline_seconds: int = Field(default=1800, ge=30)
    run_deadline_seconds: int = Field(default=900, ge=10)
    batch_file_mb: int = Field(default=100, ge=1, le=1000)
    batch_rows: int = Field(default=50_000, ge=1)
    files_per_user: int = Field(default=500, ge=1)
    file_mb_per_user: int = Field(default=1000, ge=1)
    weights_dir: Path = BASE_DIR / "var" / "weights"
    weights_delivery: Literal["stream", "x-accel"] = "stream"
    weights_gb_per_day: int = Field(default=1000, ge=1)
    weights_streams: int = Field(default=16, ge=1)
    prompt_retention_days: int = Field(default=180, ge=1)
    grant_default_days: int = Field(default=365, ge=1)
    decision_hold_seconds: int = Field(default=600, ge=0, le=86_400)
    reapply_after_days: int = Field(default=14, ge=0)
    notice_digest_hour: int = Field(default=7, ge=0, le=23)
    affiliation_list: Path = BASE_DIR / "releases" / "affiliations.csv"
    country_list: Path = BASE_DIR / "releases" / "countries.toml"
    country_header: str = Field(default="", pattern=r"^[A-Za-z0-9-]*$")
    team_members: int = Field(default=10, ge=0, le=500)
    vouch_retention_days: int = Field(default=730, ge=1)
    renewal_window_days: int = Field(default=60, ge=1, le=365)
    renewal_late_days: int = Field(default=30, ge=0, le=365)
    returned_close_days: int = Field(default=30, ge=8, le=3650)

    # Retention
    draft_retention_days: int = Field(default=90, ge=1)
    refused_retention_days: int = Field(default=730, ge=1)
    read_notice_retention_days: int = Field(default=365, ge=1)
    unverified_account_days: int = Field(default=3, ge=1)
    demo_mail_retention_days: int = Field(default=30, ge=1)
    erasure_wait_days: int = Field(default=7, ge=1, le=30)

    # Webhooks
    webhook_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()

    # Operation
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = "json"
    metrics_token: str = ""
    otel_exporter_otlp_endpoint: str = ""
    carbon_intensity_g_per_kwh: float = Field(default=CARBON_INTENSITY, ge=0.0)

    @field_validator("allowed_hosts", "webhook_networks", mode="before")
    @classmethod
    def split_on_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("site_url")
    @classmethod
    def require_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an origin such as https://gatehouse.example.org")
        return value.rstrip("/")

    @field_validator("metrics_token")
    @classmethod
    def require_a_token_that_cannot_be_guessed(cls, value: str) -> str:
        if value and len(value) < METRICS_TOKEN_LENGTH:
            raise ValueError(f"must have at least {METRICS_TOKEN_LENGTH} characters")
        return value

    @field_validator("database_url")
    @classmethod
    def require_postgres(cls, value: str) -> str:
        if not value.startswith(("postgres://", "postgresql://")):
            raise ValueError("must begin with postgresql://; no other database is supported")
        return value

    @field_validator("redis_url")
    @classmethod
    def require_redis(cls, value: str) -> str:
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("affiliation_list")
    @classmethod
    def require_affiliations(cls, value: Path) -> Path:
        read_affiliations(value)
        return value

    @field_validator("country_list")
    @classmethod
    def require_country_list(cls, value: Path) -> Path:
        read_country_list(value)
        return value

    @model_validator(mode="after")
    def require_proxy_for_country(self) -> Environment:
        if self.country_header and not self.trusted_proxies:
            raise ValueError("COUNTRY_HEADER needs TRUSTED_PROXIES: any client can send a header")
        return self

    @model_validator(mode="after")
    def require_room_for_one_file(self) -> Environment:
        if self.file_mb_per_user < self.batch_file_mb:
            raise ValueError("FILE_MB_PER_USER must not be less than BATCH_FILE_MB")
        return self

    @model_validator(mode="after")
    def require_https_in_production(self) -> Environment:
        if not self.demo and not self.is_https and not self.debug:
            raise ValueError("SITE_URL must be https:// unless DEMO or DEBUG is on")
        return self

    @property
    def host(self) -> str:
        return urlsplit(self.site_url).hostname or "localhost"

    @property
    def is_https(self) -> bool:
        return self.site_url.startswith("https://")

    @property
    def celery_broker_url(self) -> str:
        """The same server in Celery's spelling, which has another scheme for Unix sockets."""
        parts = urlsplit(self.redis_url)
        if parts.scheme != "unix":
            return self.redis_url
        database = parse_qs(parts.query).get("db", ["0"])[0]
        return f"redis+socket://{parts.path}?virtual_host={database}"


def load_environment() -> Environment:
    """Read the environment, or exit with one line for each wrong variable."""
    try:
        return Environment(**_read_secret_files())  # type: ignore[arg-type]  # pydantic parses strings
    except ValidationError as error:
        _refuse(
            [
                ": ".join(
                    filter(None, ["_".join(map(str, item["loc"])).upper(), _sentence(item["msg"])])
                )
                for item in error.errors()
            ]
        )


def _read_secret_files() -> dict[str, str]:
    values: dict[str, str] = {}
    for field in Environment.model_fields:
        variable = field.upper()
        path = os.environ.get(f"{variable}_FILE")
        if not path:
            continue
        if os.environ.get(variable):
            _refuse([f"{variable}: set it or {variable}_FILE, not both"])
        try:
            values[field] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            _refuse([f"{variable}_FILE: cannot read {path} ({error.strerror})"])
    return values


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")


def _refuse(lines: list[str]) -> NoReturn:
    for line in lines:
        sys.stderr.write(f"Gatehouse cannot start. {line}\n")
    raise SystemExit(2)
