"""The worker's and the launcher's settings, from environment variables only."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from inference_workers.deployments import PACKAGED_MODELS_FILE, Deployment, load_deployment
from inference_workers.errors import EXIT_CONFIGURATION, ConfigurationError, stop_process

SECRETS = ("REDIS_URL",)
UNIX_SOCKET_PATH_LIMIT = 107
VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES"
"""CUDA's variable: the GPUs of this host that may be used."""


class LauncherSettings(BaseSettings):
    """Settings for starting an engine. Each field is the environment variable in upper case."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    deployment: str
    models_file: Path = PACKAGED_MODELS_FILE
    engine_dir: Path = Path("var/engines")
    """Holds one 0700 folder per deployment: socket, status file, log."""
    engine_socket: Path | None = None
    engine_url: str = ""
    """URL of an engine on a private network, instead of a socket on this host."""
    weights_dir: Path = Path("var/weights")
    engine_python: Path = Path(sys.executable)
    """Interpreter of the environment with vLLM."""
    engine_args: str = ""
    """Host-specific engine arguments, added after the deployment's."""
    replica: int = Field(default=0, ge=0)
    """Index, from 0, of the deployment's engine on this host."""
    node_rank: int | None = Field(default=None, ge=0)
    """Index of this host in a deployment on several hosts; only host 0 takes requests."""
    master_addr: str = ""
    """Address at which the other nodes reach node 0; the same on every node."""
    master_port: int = Field(default=29501, ge=1, le=65534)
    """Port at which vLLM's ranks meet; the launchers meet at the next port."""
    engine_stall_seconds: float = Field(default=120.0, gt=0.0)
    """An engine with requests but no new token for this long is hung, and is restarted."""
    engine_log: Literal["file", "inherit"] = "file"
    """`file` writes engine.log beside the socket; `inherit` uses the launcher's own stderr."""
    otel_exporter_otlp_endpoint: str = ""
    """Address of an OpenTelemetry collector (OTLP over HTTP); if empty, nothing is traced."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"

    @field_validator("engine_url")
    @classmethod
    def _check_engine_url(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _check_one_address(self) -> LauncherSettings:
        if self.engine_url and self.engine_socket:
            raise ValueError("ENGINE_URL and ENGINE_SOCKET exclude each other; unset one")
        path = os.fspath(self.socket.absolute())
        if not self.engine_url and len(path.encode()) > UNIX_SOCKET_PATH_LIMIT:
            raise ValueError(
                f"ENGINE_DIR: the socket's path {path} is longer than the "
                f"{UNIX_SOCKET_PATH_LIMIT} bytes that a Unix socket may have"
            )
        return self

    @property
    def deployment_dir(self) -> Path:
        name = self.deployment if self.replica == 0 else f"{self.deployment}@{self.replica}"
        return self.engine_dir / name

    @property
    def socket(self) -> Path:
        return self.engine_socket or self.deployment_dir / "engine.sock"

    @property
    def engine_log_file(self) -> Path:
        return self.deployment_dir / "engine.log"

    @property
    def status_file(self) -> Path:
        return self.deployment_dir / "status.json"

    def load_deployment(self) -> Deployment:
        """The deployment to serve; raises `ConfigurationError` if it does not exist."""
        deployment = load_deployment(self.models_file, self.deployment)
        if self.replica >= deployment.replicas:
            raise ConfigurationError(
                f"REPLICA: {self.replica} is too high: {deployment.slug} has replicas = "
                f"{deployment.replicas}, counted from 0"
            )
        return deployment

    def require_engine_url(self, deployment: Deployment) -> None:
        """Raise `ConfigurationError` if the engine runs elsewhere and ENGINE_URL is not set."""
        if deployment.engine == "external" and not self.engine_url:
            raise ConfigurationError(
                f"ENGINE_URL is not set: {deployment.slug} is an engine that runs elsewhere"
            )

    def weights_folder(self, deployment: Deployment) -> Path:
        """Where the weights are if they are on this host; the folder need not exist."""
        return self.weights_dir / deployment.weights_folder_name


class WorkerSettings(LauncherSettings):
    """Additional settings for the Celery worker."""

    redis_url: str
    shutdown_grace_seconds: float = Field(default=10.0, ge=0.0)
    """How long running jobs may continue after SIGTERM before they are handed over."""

    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Port of this worker's Prometheus metrics; 0 disables them."""
    metrics_bind: str = "127.0.0.1"

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: str) -> str:
        if urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must start with redis://, rediss:// or unix://")
        return value

    def load_deployment(self) -> Deployment:
        """As in the base class, and also require an address for an engine that runs elsewhere."""
        deployment = super().load_deployment()
        self.require_engine_url(deployment)
        return deployment

    @property
    def celery_broker_url(self) -> str:
        """The same server as a URL for Celery, which has another scheme for Unix sockets."""
        parts = urlsplit(self.redis_url)
        if parts.scheme != "unix":
            return self.redis_url
        database = parse_qs(parts.query).get("db", ["0"])[0]
        return f"redis+socket://{parts.path}?virtual_host={database}"


def load_worker_settings() -> WorkerSettings:
    """Settings from the environment; raises `ConfigurationError` with the first wrong one."""
    try:
        return WorkerSettings.model_validate(_read_secrets())
    except ValidationError as error:
        raise ConfigurationError(_describe(error)) from None


def load_launcher_settings(deployment: str = "") -> LauncherSettings:
    """The same for the launcher; a given deployment takes precedence over the environment."""
    try:
        return LauncherSettings.model_validate({"deployment": deployment} if deployment else {})
    except ValidationError as error:
        raise ConfigurationError(_describe(error)) from None


def load_or_stop() -> tuple[WorkerSettings, Deployment]:
    """The worker's settings and deployment; on an error, print one line and exit."""
    try:
        settings = load_worker_settings()
        return settings, settings.load_deployment()
    except ConfigurationError as error:
        stop_process(str(error), code=EXIT_CONFIGURATION)


def _read_secrets() -> dict[str, str]:
    """Values of secrets that are given as files, by field name."""
    found = {}
    for name in SECRETS:
        file = os.environ.get(f"{name}_FILE")
        if not file:
            continue
        if os.environ.get(name):
            raise ConfigurationError(f"{name} and {name}_FILE exclude each other; unset one")
        try:
            found[name.lower()] = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(f"{name}_FILE: cannot read {file}: {error.strerror}") from None
    return found


def _describe(error: ValidationError) -> str:
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return message
    name = str(first["loc"][0]).upper()
    if first["type"] == "missing":
        return f"{name} is not set"
    return f"{name}: {message}"
