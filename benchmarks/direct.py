"""The stand-in engine, driven directly and through LiteLLM's proxy."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from benchmarks.load import Subject
from benchmarks.openai_readers import Address, OpenAIReaders
from benchmarks.processes import running_server
from benchmarks.stack import DEPLOYMENT, answers, cpu_seconds, free_port
from benchmarks.stand_in_engine import text_of
from demo.environments import PackageSet
from demo.place import ROOT, Place

ENGINE_PART = "engine"
PROXY_PART = "proxy"
START_SECONDS = 120
FOLDER = ROOT / "var" / "bench"
LITELLM = PackageSet("Installing LiteLLM's proxy", FOLDER / "litellm", ("litellm.txt",))
QUIET = {
    # Prices from the package, not from the network; no local files; no request log.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
}
LOG_CONFIG = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {name: {"level": "ERROR"} for name in ("uvicorn", "uvicorn.access")},
}


@contextmanager
def running_engine(*, rate: float) -> Iterator[tuple[int, Subject]]:
    """The stand-in engine on its own port, and the subject that drives it."""
    port, place = free_port(), Place()
    command: list[str | Path] = [
        *(place.python, "-m", "benchmarks.stand_in_engine", "--port", str(port)),
        *("--model", place.weights / DEPLOYMENT),
    ]
    with running_server(
        command,
        environment={**os.environ, "STAND_IN_RATE": str(rate)},
        folder=ROOT,
        log=FOLDER / "engine.log",
        is_ready=lambda: answers(f"http://127.0.0.1:{port}/health"),
        seconds=START_SECONDS,
    ) as pid:
        yield (
            port,
            openai_subject(Address(port=port), parts={ENGINE_PART: pid}, path=(ENGINE_PART,)),
        )


@contextmanager
def running_litellm(*, rate: float) -> Iterator[Subject]:
    """LiteLLM's proxy, one worker and a master key, in front of its own stand-in engine."""
    port, key = free_port(), f"sk-{secrets.token_hex(16)}"
    with running_engine(rate=rate) as (engine_port, _):
        config, log_config = FOLDER / "litellm.yaml", FOLDER / "litellm-log.yaml"
        config.write_text(yaml.safe_dump(proxy_config(engine_port=engine_port, key=key)))
        log_config.write_text(yaml.safe_dump(LOG_CONFIG))
        own = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        with running_server(
            [
                *(LITELLM.environment / "bin" / "litellm", "--config", config),
                *("--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"),
                *("--log_config", log_config),
            ],
            environment=own | QUIET,
            folder=FOLDER,
            log=FOLDER / "litellm.log",
            is_ready=lambda: answers(f"http://127.0.0.1:{port}/health/liveliness"),
            seconds=START_SECONDS,
        ) as pid:
            yield openai_subject(
                Address(port=port), key=key, parts={PROXY_PART: pid}, path=(PROXY_PART,)
            )


def proxy_config(*, engine_port: int, key: str) -> dict[str, object]:
    """One model, passed on to a completions server unchanged."""
    model = {
        "model": f"text-completion-openai/{DEPLOYMENT}",
        "api_base": f"http://127.0.0.1:{engine_port}/v1",
        "api_key": "none",
    }
    return {
        "model_list": [{"model_name": DEPLOYMENT, "litellm_params": model}],
        "litellm_settings": {"set_verbose": False, "request_timeout": 600, "num_retries": 0},
        "general_settings": {"master_key": key},
    }


def openai_subject(
    address: Address, *, parts: Mapping[str, int], path: tuple[str, ...], key: str = ""
) -> Subject:
    """A server of the OpenAI protocol that streams the stand-in's text."""
    readers = OpenAIReaders(address, model=DEPLOYMENT, key=key)
    return Subject(
        readers=readers,
        run=lambda _, max_tokens: readers.run(max_tokens=max_tokens),
        cpu=lambda: {part: cpu_seconds(pid) for part, pid in parts.items()},
        path=path,
        text_of=lambda tokens: text_of(range(tokens)),
    )


def litellm_version() -> str:
    """The installed proxy's version; empty if it is not installed."""
    found = sorted((LITELLM.environment / "lib").glob("*/site-packages/litellm-[0-9]*.dist-info"))
    return _version(found[-1]) if found else ""


def _version(folder: Path) -> str:
    return folder.name.removesuffix(".dist-info").partition("-")[2]
