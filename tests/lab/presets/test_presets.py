"""Presets: their names, who sees them, who may take them away."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from inference_workers.contract import SamplingParams
from portal.gate.teams.domain.leaving import leave_team
from portal.gate.teams.models import Member, Team
from portal.lab.presets.domain.built_in import BUILT_IN
from portal.lab.presets.domain.listing import list_presets
from portal.lab.presets.domain.saving import PRESETS_MOST, erase_presets, save_preset, share_preset
from portal.lab.presets.models import Preset
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.teams import MemberFactory, TeamFactory

pytestmark = pytest.mark.django_db
COLD = SamplingParams(max_tokens=16, temperature=0)
WARM = SamplingParams(max_tokens=16, temperature=1.5)


@dataclass
class Group:
    """A team, its lead and one member."""

    team: Team
    lead: User
    member: User
    membership: Member


def make_group() -> Group:
    grant = GrantFactory.create()
    team = TeamFactory.create(application=grant.application)
    membership = MemberFactory.create(team=team)
    assert membership.user is not None
    return Group(team, grant.user, membership.user, membership)


@pytest.fixture
def group(db: None) -> Group:
    return make_group()


@pytest.fixture
def shared(group: Group) -> Preset:
    """What the member shares with the team."""
    preset = save_preset(group.member, name="Cold", sampling=COLD)
    share_preset(preset, team_id=group.team.pk)
    return preset


def names_of(user: User) -> list[str]:
    return [preset.name for preset in list_presets(user)]


def test_a_name_is_the_persons_own(group: Group) -> None:
    save_preset(group.lead, name="  Cold \t and   short ", sampling=COLD)
    save_preset(group.member, name="Cold and short", sampling=WARM)

    assert [names_of(group.lead), names_of(group.member)] == [["Cold and short"]] * 2
    with pytest.raises(IntegrityError):
        Preset.objects.create(
            user=group.lead, name="Cold and short", params={}, saved_at=timezone.now()
        )


def test_a_name_is_used_again_only_to_replace(group: Group) -> None:
    first = save_preset(group.lead, name="Mine", sampling=COLD)
    with pytest.raises(DomainError) as refused:
        save_preset(group.lead, name="Mine", sampling=WARM)
    kept = SamplingParams.model_validate(Preset.objects.get().params)

    again = save_preset(group.lead, name="Mine", sampling=WARM, replaces=True)

    assert (refused.value.field, refused.value.message) == (
        "name",
        "You already have a preset named Mine. Choose another name, or replace it.",
    )
    assert (kept, again.pk) == (COLD, first.pk)
    assert SamplingParams.model_validate(again.params) == WARM


@pytest.mark.parametrize("name", ["", " \n ", "a" * 61, "a\u202eb"])
def test_a_name_is_short_and_printable(name: str) -> None:
    with pytest.raises(DomainError) as refused:
        save_preset(UserFactory.create(), name=name, sampling=COLD)

    assert (refused.value.field, refused.value.message) == (
        "name",
        "A name has from 1 to 60 printable characters.",
    )


def test_there_is_a_limit(group: Group) -> None:
    Preset.objects.bulk_create(
        Preset(user=group.lead, name=str(number), params={}, saved_at=timezone.now())
        for number in range(PRESETS_MOST)
    )

    with pytest.raises(DomainError) as refused:
        save_preset(group.lead, name="One more", sampling=COLD)

    assert refused.value.message == "You have 100 presets, which is the limit. Delete one first."
    assert save_preset(group.lead, name="5", sampling=COLD, replaces=True).name == "5"


def test_the_parameters_are_short(group: Group) -> None:
    long = SamplingParams(max_tokens=1, stop=("x" * 8192,))

    with pytest.raises(DomainError) as refused:
        save_preset(group.lead, name="Long", sampling=long)

    assert (refused.value.field, refused.value.message) == (
        "name",
        "The parameters have 8,220 bytes; the limit for a preset is 8,192.",
    )


def test_a_team_sees_what_is_shared_with_it_and_no_other_does(group: Group, shared: Preset) -> None:
    other = make_group()
    save_preset(group.member, name="Private", sampling=COLD)

    seen = {
        "owner": names_of(group.member),
        "lead": names_of(group.lead),
        "other lead": names_of(other.lead),
        "other member": names_of(other.member),
    }
    assert seen == {
        "owner": ["Cold", "Private"],
        "lead": ["Cold"],
        "other lead": [],
        "other member": [],
    }


def test_a_lead_shares_too(group: Group) -> None:
    share_preset(save_preset(group.lead, name="L", sampling=COLD), team_id=group.team.pk)

    assert names_of(group.member) == ["L"]


def test_it_is_shared_only_with_a_team_of_ones_own(group: Group) -> None:
    preset = save_preset(group.member, name="Cold", sampling=COLD)
    other = make_group()

    with pytest.raises(DomainError) as refused:
        share_preset(preset, team_id=other.team.pk)

    preset.refresh_from_db()
    assert (refused.value.field, preset.team) == ("team", None)


def test_whoever_leaves_takes_their_presets_along_and_sees_no_more(
    group: Group, shared: Preset
) -> None:
    share_preset(save_preset(group.lead, name="L", sampling=COLD), team_id=group.team.pk)

    leave_team(group.membership, by=group.member)

    assert [names_of(group.lead), names_of(group.member)] == [["L"], ["Cold"]]


def test_an_erased_person_leaves_none(group: Group, shared: Preset) -> None:
    save_preset(group.lead, name="L", sampling=COLD)

    erase_presets(group.member)

    assert list(Preset.objects.values_list("name", flat=True)) == ["L"]


STATES = {
    # who: (share, withdraw, delete), then whether the preset is still there, and shared
    "owner": ((302, 302, 302), (False, False)),
    "lead": ((404, 302, 404), (True, False)),
    "colleague": ((404, 404, 404), (True, True)),
    "stranger": ((404, 404, 404), (True, True)),
}


@pytest.mark.parametrize("who", STATES)
def test_who_may_do_what(group: Group, shared: Preset, client: Client, who: str) -> None:
    people = {
        "owner": group.member,
        "lead": group.lead,
        "colleague": MemberFactory.create(team=group.team).user,
        "stranger": make_group().lead,
    }
    user = people[who]
    assert user is not None
    client.force_login(user)

    answers = tuple(
        client.post(f"/playground/presets/{shared.pk}/{act}/", fields).status_code
        for act, fields in (("share", {"team": group.team.pk}), ("withdraw", {}), ("delete", {}))
    )

    left = Preset.objects.filter(pk=shared.pk).first()
    assert answers == STATES[who][0]
    assert (left is not None, left is not None and left.team is not None) == STATES[who][1]


@pytest.mark.parametrize("typed", ["", "0", "x", "²", "9" * 30])
def test_a_team_that_is_none_is_refused(
    group: Group, shared: Preset, client: Client, typed: str
) -> None:
    client.force_login(group.member)

    answer = client.post(f"/playground/presets/{shared.pk}/share/", {"team": typed}, follow=True)

    assert "You are not in this team." in answer.content.decode()


def test_the_built_in_ones_are_what_their_names_say() -> None:
    said = {
        name: {field: getattr(preset.params, field) for field in preset.sets}
        for name, preset in BUILT_IN.items()
    }
    neutral = {
        "temperature": 1,
        "top_p": 1,
        "top_k": 0,
        "min_p": 0,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "repetition_penalty": 1,
        "logit_bias": {},
        "allowed_token_ids": (),
        "bad_words": (),
    }
    assert said == {
        "greedy": neutral | {"temperature": 0},
        "nucleus": neutral | {"top_p": 0.9},
        "realtoxicityprompts": neutral | {"top_p": 0.9, "max_tokens": 20},
    }
