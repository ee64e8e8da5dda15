"""Presets as the page shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.gate.teams.models import Team
from portal.lab.playground.forms import initial_from
from portal.lab.playground.summaries import summarise_params
from portal.lab.presets.domain.built_in import BUILT_IN
from portal.lab.presets.domain.listing import list_presets
from portal.lab.presets.models import Preset
from portal.platform.accounts.models import User


@dataclass(frozen=True)
class PresetOption:
    """A preset in the list; `values` are those of the form's fields."""

    id: str
    label: str
    values: Mapping[str, Any]

    @property
    def values_json(self) -> str:
        """The values as a browser's fields hold them."""
        typed = {name: "" if value is None else str(value) for name, value in self.values.items()}
        return json.dumps(typed)


@dataclass(frozen=True)
class SavedPreset:
    """A person's preset on the page of all presets."""

    preset: Preset
    params: list[str]
    team: str
    is_own: bool
    may_withdraw: bool


def list_options(user: User) -> dict[str, list[PresetOption]]:
    """The presets that the person may use, by the name of their group."""
    groups: dict[str, list[PresetOption]] = {
        "Built in": [
            PresetOption(
                name, preset.label, _only(initial_from(preset.params.model_dump()), preset.sets)
            )
            for name, preset in BUILT_IN.items()
        ]
    }
    for preset in list_presets(user):
        is_own = preset.user_id == user.pk
        group = "Yours" if is_own or preset.team is None else name_team(preset.team, user)
        groups.setdefault(group, []).append(
            PresetOption(str(preset.pk), preset.name, initial_from(preset.params))
        )
    return groups


def list_saved(user: User) -> list[SavedPreset]:
    """The same without the built-in ones, with what may be done to each."""
    return [
        SavedPreset(
            preset=preset,
            params=summarise_params(preset.params),
            team=name_team(preset.team, user) if preset.team else "",
            is_own=preset.user_id == user.pk,
            may_withdraw=preset.team is not None
            and user.pk in (preset.user_id, preset.team.application.applicant_id),
        )
        for preset in list_presets(user)
    ]


def find_option(options: Mapping[str, list[PresetOption]], name: str) -> PresetOption | None:
    """The option with this id, or None."""
    return next((each for group in options.values() for each in group if each.id == name), None)


def name_team(team: Team, user: User) -> str:
    """As the person knows it: a lead may have several teams."""
    application = team.application
    if application.applicant_id == user.pk:
        return f"Your team of {application.case_number}"
    return f"Team of {application.applicant_name}"


def _only(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names}
