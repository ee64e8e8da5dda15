"""Presets in the playground: chosen, saved, listed, with and without scripts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from inference_workers.contract import SamplingParams
from portal.lab.playground.forms import DEFAULTS
from portal.lab.presets.domain.saving import save_preset, share_preset
from portal.lab.presets.models import Preset
from tests.factories.teams import MemberFactory, TeamFactory
from tests.lab.playground.conftest import Desk

EDITOR = "/playground/"
PAGE = "/playground/presets/"
SAVE = "/playground/presets/save/"
JSON = {"Accept": "application/json"}
OWN = SamplingParams(max_tokens=7, temperature=0.25, stop=("\n",), logit_bias={5: -2}, seed=3)


def shown(desk: Desk, preset: str | int) -> dict[str, Any]:
    """The fields of the editor that are not at their defaults."""
    form = desk.client.get(EDITOR, {"preset": preset}).context["form"]
    values = {name: form[name].value() for name in DEFAULTS}
    return {name: value for name, value in values.items() if value != DEFAULTS[name]}


def test_without_scripts_the_address_names_a_preset(desk: Desk) -> None:
    preset = save_preset(desk.user, name="Mine", sampling=OWN)

    assert {name: shown(desk, name) for name in ("greedy", "nucleus", "none", preset.pk)} == {
        "greedy": {"temperature": 0},
        "nucleus": {"temperature": 1, "top_p": 0.9},
        "none": {},
        preset.pk: {
            "max_tokens": 7,
            "temperature": 0.25,
            "stop": "\\n",
            "seed": 3,
            "logprobs": None,
            "logit_bias": "id 5: -2",
        },
    }


def test_somebody_elses_preset_does_not_exist(desk: Desk) -> None:
    preset = save_preset(MemberFactory.create(team=_team(desk)).user, name="N", sampling=OWN)  # type: ignore[arg-type]

    assert shown(desk, preset.pk) == {}


def test_the_editor_offers_presets_by_whose_they_are(desk: Desk) -> None:
    team = _team(desk)
    mate = MemberFactory.create(team=team).user
    assert mate is not None
    save_preset(desk.user, name="</option><b>", sampling=OWN)
    share_preset(save_preset(mate, name="Theirs", sampling=OWN), team_id=team.pk)

    response = desk.client.get(EDITOR)

    groups = response.context["presets"]
    assert {group: [option.label for option in options] for group, options in groups.items()} == {
        "Built in": ["Greedy", "Nucleus", "RealToxicityPrompts (OPT paper)"],
        "Yours": ["</option><b>"],
        f"Your team of {team.application.case_number}": ["Theirs"],
    }
    assert json.loads(groups["Yours"][0].values_json)["stop"] == "\\n"
    assert "</option><b>" not in response.content.decode()


def test_a_script_saves_the_parameters(desk: Desk) -> None:
    fields = desk.fields(preset_name="Mine", temperature="0.5", min_p="0.1", prompt="")

    saved = desk.client.post(SAVE, fields, headers=JSON)
    again = desk.client.post(SAVE, fields, headers=JSON)
    replaced = desk.client.post(SAVE, fields | {"replace_preset": "1", "top_k": "4"}, headers=JSON)

    preset = Preset.objects.get()
    assert (saved.status_code, saved.json()["id"], saved.json()["label"]) == (
        200,
        str(preset.pk),
        "Mine",
    )
    assert json.loads(saved.json()["values"])["temperature"] == "0.5"
    assert (again.status_code, again.json()["errors"]) == (
        422,
        {
            "preset_name": [
                "You already have a preset named Mine. Choose another name, or replace it."
            ]
        },
    )
    assert replaced.status_code == 200
    assert SamplingParams.model_validate(preset.params) == SamplingParams(
        max_tokens=16, temperature=0.5, min_p=0.1, top_k=4
    )


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"preset_name": " "}, {"preset_name": ["Name the preset."]}),
        (
            {"preset_name": "a" * 61},
            {"preset_name": ["A name has from 1 to 60 printable characters."]},
        ),
        (
            {"preset_name": "a", "temperature": "9"},
            {"temperature": ["Temperature is between 0 and 2."]},
        ),
    ],
)
def test_what_cannot_be_saved_is_named(
    desk: Desk, changes: dict[str, str], errors: dict[str, list[str]]
) -> None:
    response = desk.client.post(SAVE, desk.fields(**changes), headers=JSON)

    assert (response.status_code, response.json()["errors"]) == (422, errors)
    assert Preset.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "status", "message"), [("Mine", 200, "Saved as Mine."), ("", 422, "Name the preset.")]
)
def test_without_scripts_the_text_comes_back(
    desk: Desk, name: str, status: int, message: str
) -> None:
    response = desk.client.post(SAVE, desk.fields(preset_name=name, prompt="Keep me", top_k="4"))

    form = response.context["form"]
    assert response.status_code == status
    assert (form["prompt"].value(), form["top_k"].value()) == ("Keep me", "4")
    assert message in response.content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_takes_the_same_queries_for_any_length(
    desk: Desk, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    team = _team(desk)
    for number in range(rows):
        mate = MemberFactory.create(team=team).user
        assert mate is not None
        share_preset(save_preset(mate, name="Theirs", sampling=OWN), team_id=team.pk)
        save_preset(desk.user, name=str(number), sampling=OWN)

    # Two of them are the presets and the teams; the others know the person and note the session.
    with django_assert_num_queries(12):
        response = desk.client.get(PAGE)

    saved = response.context["saved"]
    assert [len(saved), len([each for each in saved if each.may_withdraw])] == [2 * rows, rows]


def _team(desk: Desk) -> Any:
    return TeamFactory.create(application=desk.user.applications.get())
