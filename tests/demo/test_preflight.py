from __future__ import annotations

from pathlib import Path

import pytest

from demo.locks import hold_lock
from demo.preflight import GIB, check_space, read_port
from demo.terminal import RefusalError


def test_the_port_is_8000_unless_said_otherwise() -> None:
    assert read_port({}) == 8000
    assert read_port({"PORT": ""}) == 8000
    assert read_port({"PORT": "8123"}) == 8123


def test_a_full_disk_is_refused_ahead(tmp_path: Path) -> None:
    with pytest.raises(RefusalError) as refused:
        check_space(tmp_path, needed=5 * GIB, what="installing vLLM", free_space=lambda _: 2 * GIB)
    assert str(refused.value) == (
        f"the disk is too full: installing vLLM needs 5.0 GiB and {tmp_path} has 2.0 GiB free."
    )


def test_enough_room_is_enough(tmp_path: Path) -> None:
    check_space(tmp_path, needed=5 * GIB, what="x", free_space=lambda _: 5 * GIB)


def test_a_lock_ends_with_its_block(tmp_path: Path) -> None:
    file = tmp_path / "var" / "lock"
    with (
        hold_lock(file, refusal="taken by {note}", note="me"),
        pytest.raises(RefusalError, match=r"^taken by me$"),
        hold_lock(file, refusal="taken by {note}"),
    ):
        pytest.fail("two held it")
    with hold_lock(file, refusal="taken by {note}", note="you"):
        assert file.read_text() == "you"
