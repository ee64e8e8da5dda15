"""Files of the demo: private where they must be, and sockets where the kernel can reach them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from demo.place import Place
from demo.reset import reset
from demo.start import SiteData, run_logged, write_card
from demo.terminal import RefusalError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_signing_key_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    place = Place(var=tmp_path / "var")
    key = place.secret_key()
    assert len(key) >= 50
    assert mode(place.var / "secret_key") == 0o600
    assert Place(var=tmp_path / "var").secret_key() == key
    assert Place(var=tmp_path / "other").secret_key() != key


def test_the_card_is_for_this_user_alone(tmp_path: Path) -> None:
    place = Place(var=tmp_path)
    account = {"role": "reviewer", "email": "r@example.org", "password": "secret"}
    site = SiteData((account,), api_key="gh_key", model="opt-125m")
    for port in (8000, 8001):
        write_card(place, url=f"http://127.0.0.1:{port}", site=site, weights=tmp_path / "opt")
    assert json.loads((tmp_path / "demo.json").read_text()) == {
        "url": "http://127.0.0.1:8001",
        "accounts": [account],
        "api_key": "gh_key",
        "model": "opt-125m",
        "weights": str(tmp_path / "opt"),
    }
    assert mode(tmp_path / "demo.json") == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["demo.json"]


def test_sockets_stay_within_the_kernels_limit(tmp_path: Path) -> None:
    short = Place(var=Path("/tmp/gatehouse-test-place"))
    deep = Place(var=tmp_path / ("deep" * 20) / "var")
    try:
        assert short.sockets() == short.var / "run"
        assert len(str(deep.sockets())) <= 60
        assert deep.sockets() == deep.sockets()
        assert mode(deep.sockets()) == 0o700
    finally:
        deep.sockets().rmdir()
        short.sockets().rmdir()
        short.var.rmdir()


def test_state_may_lie_elsewhere(tmp_path: Path) -> None:
    place = Place.from_environment({"VAR_DIR": str(tmp_path)})
    assert (place.var, place.weights) == (tmp_path, tmp_path / "weights")


def test_a_reset_forgets_the_state_and_keeps_the_weights(tmp_path: Path) -> None:
    place = Place(var=tmp_path, weights=tmp_path / "weights")
    place.secret_key()
    for folder in ("weights/smollm2-135m", "valkey", "log"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "file").touch()
    reset(place)
    assert sorted(entry.name for entry in tmp_path.rglob("*")) == [
        "file",
        "smollm2-135m",
        "weights",
    ]


def test_what_a_step_prints_is_answered(tmp_path: Path) -> None:
    command = ["sh", "-c", "echo result; echo progress >&2"]
    log = tmp_path / "log" / "step.log"
    assert run_logged(command, {"PATH": "/usr/bin:/bin"}, log=log) == "result\n"
    assert log.read_text() == "progress\n"


def test_a_step_that_fails_is_told_by_its_last_line(tmp_path: Path) -> None:
    log = tmp_path / "step.log"
    command = ["sh", "-c", "echo trace >&2; echo 'the disk is full' >&2; exit 1"]
    with pytest.raises(RefusalError) as refused:
        run_logged(command, {"PATH": "/usr/bin:/bin"}, log=log)
    assert str(refused.value) == f"the disk is full (see {log})"
