"""MODEL names a deployment that can be served here, or is refused with the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo import model_choice
from demo.model_choice import choose_deployment
from demo.terminal import RefusalError

NO_HUB = "http://127.0.0.1:9"


@pytest.mark.parametrize("model", [None, "", "smollm2-135m"])
def test_the_packaged_model_is_the_default(model: str | None, tmp_path: Path) -> None:
    assert choose_deployment(model, weights=tmp_path).slug == "smollm2-135m"


@pytest.mark.parametrize("model", ["opt-125m", "facebook/opt-125m"])
def test_weights_that_are_here_need_no_hub(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_choice, "ENDPOINT", NO_HUB)
    (tmp_path / "opt-125m").mkdir()
    assert choose_deployment(model, weights=tmp_path).slug == "opt-125m"


def test_a_hub_that_does_not_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_choice, "ENDPOINT", NO_HUB)
    with pytest.raises(RefusalError) as refused:
        choose_deployment("facebook/opt-125m", weights=tmp_path)
    assert str(refused.value) == (
        "MODEL=facebook/opt-125m: this machine cannot reach the model hub. "
        f"Put the weights into {tmp_path / 'opt-125m'}. "
        "Leave MODEL out to use the packaged model."
    )


def test_weights_that_nobody_publishes(tmp_path: Path) -> None:
    with pytest.raises(RefusalError) as refused:
        choose_deployment("opt-175b", weights=tmp_path)
    assert str(refused.value) == (
        "MODEL=opt-175b: its weights are not published anywhere. "
        f"Put them into {tmp_path / 'opt-175b'}. Leave MODEL out to use the packaged model."
    )


def test_a_model_without_a_deployment(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match=r"^MODEL=acme/huge has no deployment in models\.toml"):
        choose_deployment("acme/huge", weights=tmp_path)
