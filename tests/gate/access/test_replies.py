from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from portal.gate.access.domain.desk.replies import list_replies
from portal.gate.access.enums import Command, ReasonCode
from portal.platform.core.errors import DomainError


def test_the_demo_release_has_replies_for_each_decision() -> None:
    kinds = {command: len(list_replies(command)) for command in Command}
    assert {command for command, count in kinds.items() if count} == {
        Command.APPROVE,
        Command.RETURN,
        Command.REJECT,
    }


def test_a_reply_is_filled_in_and_other_braces_stay(settings: Settings, tmp_path: Path) -> None:
    settings.RELEASE_DIR = tmp_path
    (tmp_path / "replies.toml").write_text(
        '[[replies]]\ncommand = "reject"\nreason = "denied"\ntitle = "No"\n'
        'text = "Dear {name}, {case}: {0}"\n'
    )
    (reply,) = list_replies(Command.REJECT)
    assert reply.reason == ReasonCode.DENIED
    assert reply.fill(name="{case}", case="GH-1") == "Dear {case}, GH-1: {0}"


def test_a_folder_without_replies_offers_none(settings: Settings, tmp_path: Path) -> None:
    settings.RELEASE_DIR = tmp_path
    assert list_replies(Command.REJECT) == []


def test_a_wrong_file_is_named(settings: Settings, tmp_path: Path) -> None:
    settings.RELEASE_DIR = tmp_path
    (tmp_path / "replies.toml").write_text('[[replies]]\ncommand = "nod"\ntitle = "No"\ntext = ""')
    with pytest.raises(DomainError) as refusal:
        list_replies(Command.REJECT)
    assert refusal.value.message.startswith("replies.toml: command: Input should be ")
