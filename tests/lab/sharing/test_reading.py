"""Who may read a shared run, and when its link ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from portal.desk.privacy.domain.erasure import erase_person
from portal.gate.access.domain.rights.grants import resume_grant, suspend_grant
from portal.gate.access.models import Grant
from portal.gate.catalog.enums import ModelStatus
from portal.gate.catalog.models import HostedModel
from portal.gate.teams.enums import MemberState
from portal.gate.teams.models import Member
from portal.lab.jobs.domain.retention import erase_old_prompts
from portal.lab.jobs.domain.stopping import erase_job
from portal.lab.notebook.domain.projects import save_project
from portal.lab.notebook.domain.records import find_node
from portal.lab.sharing.domain.links import MOST_OPEN, revoke_link
from portal.lab.sharing.domain.reading import find_barrier, find_link
from portal.lab.sharing.enums import Audience, Life
from portal.lab.sharing.models import ShareLink
from portal.platform.accounts.models import User
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from tests.factories.accounts import UserFactory
from tests.factories.jobs import GenerationJobFactory, make_researcher
from tests.factories.teams import MemberFactory
from tests.lab.sharing.conftest import Shared, path_of


def member(shared: Shared) -> User:
    user = UserFactory.create()
    MemberFactory.create(team=shared.team, user=user)
    return user


def former_member(shared: Shared) -> User:
    user = UserFactory.create()
    MemberFactory.create(team=shared.team, user=user, state=MemberState.LEFT)
    return user


def lead_of_another_team(shared: Shared) -> User:
    return make_researcher(shared.model)[0]


def holder_while_offline(shared: Shared) -> User:
    HostedModel.objects.filter(pk=shared.model.pk).update(status=ModelStatus.NOT_LOADED)
    shared.model.refresh_from_db()
    return make_researcher(shared.model)[0]


def suspended_holder(shared: Shared) -> User:
    user, _ = make_researcher(shared.model)
    reviewer = UserFactory.create(is_reviewer=True)
    suspend_grant(Grant.objects.get(user=user), by=reviewer, reason="A question.")
    return user


TABLE: list[tuple[Callable[[Shared], User], set[Audience]]] = [
    (lambda shared: shared.owner, {Audience.ME, Audience.TEAM, Audience.LICENCE_HOLDERS}),
    (member, {Audience.TEAM}),
    (former_member, set()),
    (lead_of_another_team, {Audience.LICENCE_HOLDERS}),
    (holder_while_offline, {Audience.LICENCE_HOLDERS}),
    (suspended_holder, set()),
    (lambda _: UserFactory.create(), set()),
    (lambda _: UserFactory.create(is_reviewer=True), set()),
    (lambda _: UserFactory.create(is_staff=True), set()),
]


@pytest.mark.parametrize(("who", "opens"), TABLE)
@pytest.mark.parametrize("audience", Audience)
def test_a_link_opens_for_its_audience_alone(
    shared: Shared, who: Callable[[Shared], User], opens: set[Audience], audience: Audience
) -> None:
    link, reader = shared.share(audience), who(shared)
    link.run.model.refresh_from_db()

    assert (find_barrier(link, reader, at=timezone.now()) is None) == (audience in opens)


def token_of(link: ShareLink) -> str:
    return path_of(link).split("/")[2]


def works(token: str) -> bool:
    return find_link(token, at=timezone.now()) is not None


def test_a_link_ends_on_the_second_and_not_after_its_text(
    shared: Shared, settings: Settings
) -> None:
    settings.PROMPT_RETENTION_DAYS = 3
    day, week = shared.share(life=Life.DAY), shared.share(life=Life.WEEK)
    end = shared.run.created_at + timedelta(days=3)

    assert (day.expires_at, week.expires_at) == (day.created_at + timedelta(days=1), end)
    token = token_of(week)
    assert find_link(token, at=end - timedelta(microseconds=1)) == week
    assert find_link(token, at=end) is None


def test_a_link_ends_with_the_text_that_a_project_keeps_for_less(shared: Shared) -> None:
    project = save_project(shared.owner, name="Short", retention_days=2, pk=None)
    node = find_node(shared.run)
    node.project = project
    node.save()

    assert shared.share().expires_at == shared.run.created_at + timedelta(days=2)


def test_a_revoked_link_is_empty_and_cannot_be_revoked_twice(shared: Shared) -> None:
    link = shared.share(notice="A secret of mine.")
    token, stranger = token_of(link), make_researcher()[0]

    assert revoke_link(link.pk, by=stranger) is False
    assert works(token)
    assert (revoke_link(link.pk, by=shared.owner), revoke_link(link.pk, by=shared.owner)) == (
        True,
        False,
    )
    assert not works(token)
    assert ShareLink.objects.values_list("digest", "notice").get() == ("", "")
    events = AuditEvent.objects.filter(subject=f"share:{link.pk}").values_list("tag", "actor")
    assert list(events) == [
        (AuditTag.SHARE_MADE, shared.owner.pk),
        (AuditTag.SHARE_REVOKED, shared.owner.pk),
    ]


def test_a_link_is_closed_while_its_owner_has_no_access(shared: Shared) -> None:
    token = token_of(shared.share())
    grant, reviewer = Grant.objects.get(user=shared.owner), UserFactory.create(is_reviewer=True)

    suspend_grant(grant, by=reviewer, reason="A question.")
    assert not works(token)
    grant.refresh_from_db()
    resume_grant(grant, by=reviewer, reason="It was answered.")
    assert works(token)
    with time_machine.travel(grant.ends_at):
        assert not works(token)


def test_an_owner_without_access_makes_no_link(shared: Shared) -> None:
    suspend_grant(
        Grant.objects.get(user=shared.owner),
        by=UserFactory.create(is_reviewer=True),
        reason="A question.",
    )
    with pytest.raises(DomainError, match="Your access is suspended"):
        shared.share()


@pytest.mark.django_db(transaction=True)
def test_deleting_a_run_deletes_its_links_and_no_others(shared: Shared) -> None:
    shared.share(notice="About the run.")
    shared.run = GenerationJobFactory.create(user=shared.owner, model=shared.model, succeeded=True)
    other, deleted = shared.share(), ShareLink.objects.exclude(run=shared.run).get().run

    erase_job(deleted, actor=shared.owner)

    assert list(ShareLink.objects.all()) == [other]


@pytest.mark.django_db(transaction=True)
def test_erasing_the_owner_deletes_all_links(shared: Shared) -> None:
    shared.share(), shared.share(Audience.TEAM)

    erase_person(shared.owner, actor=None)

    assert ShareLink.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_text_erased_by_retention_takes_its_links_along(
    shared: Shared, settings: Settings
) -> None:
    shared.share(life=Life.MONTH)
    settings.PROMPT_RETENTION_DAYS = 1

    with time_machine.travel(shared.run.created_at + timedelta(days=1, seconds=1)):
        erase_old_prompts()

    assert ShareLink.objects.count() == 0


def test_a_team_must_be_the_owner_s(shared: Shared) -> None:
    others = Shared(*make_researcher(), shared.run, shared.team)
    Member.objects.all().delete()

    with pytest.raises(DomainError) as refusal:
        shared.share(Audience.TEAM, team=None)
    assert refusal.value.field == "audience"
    others.run = GenerationJobFactory.create(user=others.owner, model=others.model, succeeded=True)
    with pytest.raises(DomainError) as refusal:
        others.share(Audience.TEAM)
    assert refusal.value.field == "audience"


def test_only_an_own_run_that_has_ended_is_shared(shared: Shared) -> None:
    active = Shared(
        shared.owner,
        shared.model,
        GenerationJobFactory.create(user=shared.owner, model=shared.model),
        shared.team,
    )
    with pytest.raises(DomainError, match="when it has ended"):
        active.share()
    stranger = Shared(*make_researcher(), shared.run, shared.team)
    with pytest.raises(DomainError) as refusal:
        stranger.share()
    assert refusal.value.code == "not_found"


def test_a_person_has_a_limited_number_of_open_links(shared: Shared) -> None:
    now = timezone.now()
    ShareLink.objects.bulk_create(
        ShareLink(
            run=shared.run,
            audience=Audience.ME,
            digest=f"{number:064}",
            created_at=now,
            expires_at=now + timedelta(days=1),
        )
        for number in range(MOST_OPEN)
    )
    with pytest.raises(DomainError) as refusal:
        shared.share()
    assert refusal.value.code == "too_many_links"
    revoke_link(ShareLink.objects.all()[0].pk, by=shared.owner)
    shared.share()


@pytest.mark.parametrize(
    "wrong",
    [
        {"digest": ""},
        {"revoked_at": timezone.now()},
        {"audience": Audience.TEAM},
        {"expires_at": timezone.now() - timedelta(days=9)},
    ],
)
def test_the_database_refuses_half_a_link(shared: Shared, wrong: dict[str, object]) -> None:
    link = shared.share()
    with pytest.raises(IntegrityError), transaction.atomic():
        ShareLink.objects.filter(pk=link.pk).update(**wrong)


def test_after_a_change_of_the_site_s_key_the_link_still_works(
    shared: Shared, settings: Settings
) -> None:
    link = shared.share()
    token = token_of(link)
    settings.SECRET_KEY = "another"

    assert works(token)
    assert path_of(link) == "/"
