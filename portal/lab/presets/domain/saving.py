"""Saving, sharing and deleting a preset."""

from __future__ import annotations

from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from inference_workers.contract import SamplingParams
from portal.gate.teams.domain.team_view import current_teams
from portal.lab.presets.domain.listing import presets_of
from portal.lab.presets.models import NAME_LENGTH, Preset
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError, invalid_value

PRESETS_MOST: Final = 100
"""For each person."""
PARAMS_BYTES: Final = 8 * 2**10
"""The page of the playground has the parameters of all presets."""


def save_preset(
    user: User, *, name: str, sampling: SamplingParams, replaces: bool = False
) -> Preset:
    """Save the parameters under a name; with `replaces`, over those that have it.

    Raises `DomainError` on the field `name`.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise invalid_value(
            f"A name has from 1 to {NAME_LENGTH} printable characters.", field="name"
        )
    if (size := len(sampling.model_dump_json(exclude_defaults=True).encode())) > PARAMS_BYTES:
        raise invalid_value(
            f"The parameters have {size:,} bytes; the limit for a preset is {PARAMS_BYTES:,}.",
            field="name",
        )
    values = {"params": sampling.model_dump(mode="json"), "saved_at": timezone.now()}
    own = Preset.objects.filter(user=user)
    if replaces and own.filter(name=name).update(**values):
        return own.get(name=name)
    if own.count() >= PRESETS_MOST:
        raise invalid_value(
            f"You have {PRESETS_MOST} presets, which is the limit. Delete one first.", field="name"
        )
    try:
        with transaction.atomic():
            return Preset.objects.create(user=user, name=name, **values)
    except IntegrityError as error:
        raise _taken(name) from error


def share_preset(preset: Preset, *, team_id: int) -> None:
    """Let a team of the owner use the preset; raises `DomainError` for another team."""
    if not current_teams(preset.user).filter(pk=team_id).exists():
        raise invalid_value("You are not in this team.", field="team")
    Preset.objects.filter(pk=preset.pk).update(team=team_id)


def withdraw_preset(preset: Preset) -> None:
    """Take the preset from its team; its owner keeps it."""
    Preset.objects.filter(pk=preset.pk, team=preset.team_id).update(team=None)


def delete_preset(preset: Preset) -> None:
    """Delete the preset, also for the team."""
    preset.delete()


def erase_presets(person: User) -> None:
    """Delete all of the person's presets, whose names and parameters may quote them."""
    presets_of(person).delete()


def _taken(name: str) -> DomainError:
    return invalid_value(
        f"You already have a preset named {name}. Choose another name, or replace it.",
        field="name",
    )
