"""A renewal's steps, with their mail, and two people if the tier requires two."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db import transaction
from django.utils import timezone

from portal.gate.access.domain.decide import decide
from portal.gate.access.domain.rights.grants import revoke_grant, suspend_grant
from portal.gate.access.domain.screening.denylist import deny
from portal.gate.access.enums import Capability, Code, Command, DenialKind, GrantState
from portal.gate.access.models import Grant
from portal.gate.renewals.domain.decisions import (
    approve_renewal,
    claim_renewal,
    refuse_renewal,
    release_renewal,
    return_renewal,
)
from portal.gate.renewals.domain.endings import lapse_late
from portal.gate.renewals.domain.handing_in import (
    ReportAnswers,
    hand_in_report,
    open_renewal,
    withdraw_renewal,
)
from portal.gate.renewals.enums import RenewalCommand, RenewalState
from portal.gate.renewals.models import Renewal, RenewalStep
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from portal.platform.notices.models import Notice
from tests.factories.licensing import SignatureFactory
from tests.factories.renewals import REPORT, hand_in, make_renewal
from tests.gate.renewals.conftest import END, HOLDER, make_grant

pytestmark = pytest.mark.django_db
Sent = Callable[[], list[tuple[str, str]]]
DAY = timedelta(days=1)
LATER = END + 365 * DAY
ANN, BEN = "ann@example.org", "ben@example.org"


def approve(renewal: Renewal, by: User, *, ends_at: object = LATER) -> RenewalStep:
    return approve_renewal(renewal, by=by, ends_at=ends_at, note="Keep going.")  # type: ignore[arg-type]


MAILS: dict[RenewalCommand, list[tuple[str, str]]] = {
    RenewalCommand.SUBMIT: [
        (ANN, "A renewal to review: Ada Byron"),
        (BEN, "A renewal to review: Ada Byron"),
        (HOLDER, "Your report was received"),
    ],
    RenewalCommand.WITHDRAW: [
        (ANN, "A renewal was withdrawn: Ada Byron"),
        (BEN, "A renewal was withdrawn: Ada Byron"),
        (HOLDER, "Your renewal is withdrawn"),
    ],
    RenewalCommand.CLAIM: [],
    RenewalCommand.RELEASE: [],
    RenewalCommand.RETURN: [(HOLDER, "Your renewal needs changes")],
    RenewalCommand.ENDORSE: [(BEN, "A second reviewer is needed for a renewal: Ada Byron")],
    RenewalCommand.APPROVE: [(HOLDER, "Your access is renewed until 31 May 2028")],
    RenewalCommand.REFUSE: [(HOLDER, "Your renewal was not approved")],
    RenewalCommand.LAPSE: [(HOLDER, "Your renewal is closed without an answer")],
}
"""All mail that a command causes, with Ann as the reviewer who acts."""


def act(command: RenewalCommand, grant: Grant, ann: User, clock: object) -> RenewalStep:
    """Carry out the command in a state that permits it."""
    if command == RenewalCommand.SUBMIT:
        return hand_in([grant]).steps.get()
    if command == RenewalCommand.LAPSE:
        renewal = make_renewal(grant, RenewalState.RETURNED, decider=ann)
        assert lapse_late(at=END + 31 * DAY) == 1
        return renewal.steps.last()  # type: ignore[return-value]
    renewal = make_renewal(grant, RenewalState.SUBMITTED)
    if command == RenewalCommand.RELEASE:
        claim_renewal(renewal, by=ann)
    calls: dict[RenewalCommand, Callable[[], RenewalStep]] = {
        RenewalCommand.WITHDRAW: lambda: withdraw_renewal(renewal, by=grant.user),
        RenewalCommand.CLAIM: lambda: claim_renewal(renewal, by=ann),
        RenewalCommand.RELEASE: lambda: release_renewal(renewal, by=ann),
        RenewalCommand.RETURN: lambda: return_renewal(renewal, by=ann, note="Say more."),
        RenewalCommand.ENDORSE: lambda: approve(renewal, ann),
        RenewalCommand.APPROVE: lambda: approve(renewal, ann),
        RenewalCommand.REFUSE: lambda: refuse_renewal(renewal, by=ann, reason="Commercial."),
    }
    return calls[command]()


@pytest.mark.parametrize("command", list(RenewalCommand))
def test_every_command_is_told_once_to_whom_it_concerns(
    command: RenewalCommand,
    clock: time_machine.Traveller,
    holder: User,
    reviewers: tuple[User, User],
    sent: Sent,
) -> None:
    grant = make_grant(holder, two_reviewers=command == RenewalCommand.ENDORSE)
    step = act(command, grant, reviewers[0], clock)
    assert step.command == command
    assert sent() == MAILS[command]
    assert find_breaks() == []


def test_a_mail_is_committed_with_its_step_or_not_at_all(
    clock: time_machine.Traveller, grant: Grant
) -> None:
    with transaction.atomic():
        hand_in([grant])
        transaction.set_rollback(True)
    assert (Notice.objects.count(), Renewal.objects.count()) == (0, 0)


def test_access_goes_on_to_its_old_end_and_opens_again_when_it_is_approved_late(
    clock: time_machine.Traveller, grant: Grant, holder: User, reviewers: tuple[User, User]
) -> None:
    SignatureFactory.create(user=holder, version=grant.model.release.licence.versions.get())
    renewal = hand_in([grant])
    codes = []
    for moment in (END - timedelta(seconds=1), END):
        clock.move_to(moment)
        codes.append(decide(holder, grant.model, Capability.API, moment).code)
    approve(renewal, reviewers[0])
    codes.append(decide(holder, grant.model, Capability.API, END).code)
    assert codes == [Code.OK, Code.GRANT_EXPIRED, Code.OK]
    grant.refresh_from_db()
    assert (grant.ends_at, grant.state) == (LATER, GrantState.ACTIVE)
    extended = AuditEvent.objects.get(tag=AuditTag.GRANT_EXTENDED)
    assert (extended.subject, extended.data["ends_at"]) == (f"grant:{grant.pk}", LATER.isoformat())


def test_two_people_agree_where_the_tier_asks_for_two(
    clock: time_machine.Traveller, holder: User, reviewers: tuple[User, User]
) -> None:
    ann, ben = reviewers
    grants = [make_grant(holder, name="Large", two_reviewers=True), make_grant(holder)]
    renewal = hand_in(grants)
    assert approve(renewal, ann).command == RenewalCommand.ENDORSE
    with pytest.raises(DomainError) as refusal:
        approve(renewal, ann)
    assert refusal.value.code == "already_endorsed"
    # Ann did not agree to a later end: it needs its own second person.
    with transaction.atomic():
        assert approve(renewal, ben, ends_at=LATER + DAY).command == RenewalCommand.ENDORSE
        transaction.set_rollback(True)
    renewal.refresh_from_db()
    assert approve(renewal, ben, ends_at=LATER - DAY).command == RenewalCommand.APPROVE
    assert set(Grant.objects.values_list("ends_at", flat=True)) == {LATER - DAY}


def test_an_agreement_is_about_the_report_as_it_was(
    clock: time_machine.Traveller, holder: User, reviewers: tuple[User, User]
) -> None:
    ann, ben = reviewers
    renewal = hand_in([make_grant(holder, two_reviewers=True)])
    approve(renewal, ann)
    return_renewal(renewal, by=ben, note="Which outputs?")
    clock.shift(timedelta(hours=1))
    again = hand_in_report(holder, grants=[], answers=REPORT, seen=renewal.revision)
    assert again == renewal
    assert [report.number for report in renewal.reports.all()] == [1, 2]
    renewal.refresh_from_db()
    assert approve(renewal, ben).command == RenewalCommand.ENDORSE


def test_what_was_ended_by_hand_is_not_extended(
    clock: time_machine.Traveller, holder: User, reviewers: tuple[User, User]
) -> None:
    ann, _ = reviewers
    kept, revoked = make_grant(holder), make_grant(holder, name="Large")
    renewal = hand_in([kept, revoked])
    revoke_grant(revoked, by=ann, reason="Shared.")
    approve(renewal, ann)
    ends = {grant.pk: grant.ends_at for grant in Grant.objects.all()}
    assert ends == {kept.pk: LATER, revoked.pk: END}


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda g, by: suspend_grant(g, by=by, reason="A question."), "grant_suspended"),
        (lambda g, _: User.objects.filter(pk=g.user_id).update(is_active=False), "account_closed"),
        (lambda g, by: revoke_grant(g, by=by, reason="Shared."), "nothing_to_extend"),
        (
            lambda g, by: deny(
                kind=DenialKind.PERSON,
                by=by,
                person=g.user,
                reason="Shared it.",
                ends_at=END + 99 * DAY,
            ),
            "denied",
        ),
    ],
)
def test_what_stands_in_the_way_of_an_approval(
    spoil: Callable[[Grant, User], object],
    code: str,
    clock: time_machine.Traveller,
    grant: Grant,
    reviewers: tuple[User, User],
) -> None:
    renewal = hand_in([grant])
    spoil(grant, reviewers[0])
    with pytest.raises(DomainError) as refusal:
        approve(Renewal.objects.get(pk=renewal.pk), reviewers[1])
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("ends_at", "code"),
    [
        (END - 20 * DAY, "end_not_in_future"),
        (END, "end_not_later"),
        (END + 6 * 366 * DAY, "end_too_far"),
    ],
)
def test_a_new_end_is_after_the_old_one(
    ends_at: object,
    code: str,
    clock: time_machine.Traveller,
    grant: Grant,
    reviewers: tuple[User, User],
) -> None:
    with pytest.raises(DomainError) as refusal:
        approve(hand_in([grant]), reviewers[0], ends_at=ends_at)
    assert (refusal.value.code, refusal.value.field) == (code, "ends_on")


def test_a_refused_report_can_be_handed_in_again(
    clock: time_machine.Traveller, grant: Grant, reviewers: tuple[User, User]
) -> None:
    first = hand_in([grant])
    refuse_renewal(first, by=reviewers[0], reason="Too short.")
    second = hand_in([grant])
    assert (first.state, second.state) == (RenewalState.REFUSED, RenewalState.SUBMITTED)
    assert second != first


def test_a_reviewers_claim_on_a_renewal_ends_by_itself(
    clock: time_machine.Traveller, grant: Grant, reviewers: tuple[User, User]
) -> None:
    ann, ben = reviewers
    renewal = hand_in([grant])
    claim_renewal(renewal, by=ann)
    with pytest.raises(DomainError) as refusal:
        refuse_renewal(renewal, by=ben, reason="No.")
    assert refusal.value.code == "claimed_by_other"
    clock.shift(DAY)
    refuse_renewal(renewal, by=ben, reason="No.")
    assert renewal.state == RenewalState.REFUSED


def test_whoever_decides_second_is_told_who_was_first(
    clock: time_machine.Traveller, grant: Grant, reviewers: tuple[User, User]
) -> None:
    ann, ben = reviewers
    renewal = hand_in([grant])
    same = Renewal.objects.get(pk=renewal.pk)
    approve(renewal, ann)
    with pytest.raises(DomainError) as lost:
        refuse_renewal(same, by=ben, reason="No.")
    assert lost.value.code == "changed_meanwhile"
    assert lost.value.message.count("approved by Ann on 18 May 2027") == 1


@pytest.mark.parametrize("name", ["progress", "outputs", "incidents"])
def test_a_report_says_everything(name: str, clock: time_machine.Traveller, grant: Grant) -> None:
    for text, code in ((" ", "text_missing"), ("x" * 5001, "text_too_long")):
        answers = ReportAnswers(**{**vars(REPORT), name: text})
        with pytest.raises(DomainError) as refusal:
            hand_in([grant], answers=answers)
        assert (refusal.value.code, refusal.value.field) == (code, name)
    assert open_renewal(grant.user) is None


def test_somebody_elses_grant_is_not_renewed(
    clock: time_machine.Traveller, grant: Grant, reviewers: tuple[User, User]
) -> None:
    with pytest.raises(DomainError) as refusal:
        hand_in_report(reviewers[0], grants=[grant], answers=REPORT)
    assert refusal.value.code == "not_renewable"


def test_the_extension_is_in_the_applications_history(
    clock: time_machine.Traveller, grant: Grant, reviewers: tuple[User, User]
) -> None:
    approve(hand_in([grant]), reviewers[0])
    step = grant.steps.get()
    assert (step.command, step.at) == (Command.EXTEND, timezone.now())


def test_the_approval_names_what_goes_on(
    clock: time_machine.Traveller, holder: User, reviewers: tuple[User, User], sent: Sent
) -> None:
    kept, revoked = make_grant(holder), make_grant(holder, name="Large")
    renewal = hand_in([kept, revoked])
    revoke_grant(revoked, by=reviewers[0], reason="Shared.")
    sent()
    approve(renewal, reviewers[0])
    sent()
    lines = mail.outbox[0].body.splitlines()
    assert [line for line in lines if line.startswith("- ")] == ["- Small"]
