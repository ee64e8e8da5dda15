"""Random people, commands and times drive the whole process; its promises hold at every step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ClassVar

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from portal.gate.access.domain.decide import decide, usable_models
from portal.gate.access.domain.desk.claims import (
    claim_application,
    hand_over_application,
    release_application,
)
from portal.gate.access.domain.process.applications import (
    Answers,
    open_draft,
    submit_application,
    withdraw_application,
)
from portal.gate.access.domain.process.decisions import take_back_decision
from portal.gate.access.domain.process.lapsing import close_unanswered, remind_unanswered
from portal.gate.access.domain.process.reminders import remind_applicant
from portal.gate.access.domain.process.reopening import appeal_decision, reopen_application
from portal.gate.access.domain.process.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.gate.access.domain.rights.duration import give_grant_back
from portal.gate.access.domain.rights.grants import resume_grant, revoke_grant, suspend_grant
from portal.gate.access.enums import (
    HELD_STATES,
    OPEN_STATES,
    REVIEW_STATES,
    ApplicationState,
    Capability,
    Command,
    GrantState,
)
from portal.gate.access.models import DECIDED_STATES, Application, Endorsement, Grant, Ruling, Step
from portal.gate.catalog.enums import Tier
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.core.errors import DomainError
from portal.platform.notices.domain.sending import send_due
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory, ReleaseFactory
from tests.gate.access.conftest import TYPED, sign

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
HOLD = timedelta(minutes=10)
PEOPLE = st.sampled_from([2, 3, 4, 2, 3, 4, 1, 0])
"""Two applicants, one of whom reviews, and three reviewers."""
APPLICANTS = st.integers(0, 1)
MODELS = st.lists(st.integers(0, 1), min_size=1, max_size=2, unique=True)
WAITS = st.sampled_from(
    [timedelta(seconds=1), timedelta(minutes=9), HOLD, timedelta(hours=24), timedelta(days=15)]
)


HANDLING: dict[str, Callable[[Application, User, User], object]] = {
    "release": lambda row, by, _: release_application(row, by=by),
    "hand_over": lambda row, by, to: hand_over_application(row, by=by, to=to),
}
WHICH = st.integers(0, 3)


class ProcessMachine(RuleBasedStateMachine):
    """Anyone tries any command at any time; the domain must refuse."""

    seen: ClassVar[set[Command]] = set()

    @initialize()
    def begin(self) -> None:
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.clock = time_machine.travel(START, tick=False)
        self.frozen = self.clock.__enter__()
        self.now = START
        release = ReleaseFactory.create()
        self.models = [
            HostedModelFactory.create(release=release, tier=tier)
            for tier in (Tier.ONE_REVIEWER, Tier.TWO_REVIEWERS)
        ]
        self.people = [UserFactory.create(is_reviewer=number > 0) for number in range(5)]
        for person in self.people[:2]:
            sign(person, self.models[0])
        for applicant in (0, 1):
            self.submit_for(applicant, [applicant])

    def teardown(self) -> None:
        if hasattr(self, "people"):
            self.seen.update(
                Command(name) for name in Step.objects.values_list("command", flat=True)
            )
        if hasattr(self, "clock"):
            self.clock.__exit__(None, None, None)
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)

    def attempt(self, act: Callable[[], object]) -> None:
        try:
            with transaction.atomic():
                act()
        except DomainError:
            pass

    def pick(self, which: int, *states: ApplicationState) -> Application | None:
        """One of the applications, preferably in one of the states."""
        rows = list(Application.objects.select_related("applicant", "claimed_by").order_by("pk"))
        fitting = [row for row in rows if row.state in states] or rows
        return fitting[which % len(fitting)] if fitting else None

    @rule(wait=WAITS)
    def let_time_pass(self, wait: timedelta) -> None:
        self.time_passes(wait)

    def time_passes(self, wait: timedelta) -> None:
        self.now += wait
        self.frozen.move_to(self.now)

    @rule(applicant=APPLICANTS, wanted=MODELS)
    def submit(self, applicant: int, wanted: list[int]) -> None:
        self.submit_for(applicant, wanted)

    def submit_for(self, applicant: int, wanted: list[int]) -> None:
        person = self.people[applicant]
        answers = Answers(
            **{name: text for name, text in TYPED.items() if name != "capabilities"},
            models=tuple(self.models[number] for number in wanted),
            capabilities=(Capability.PLAYGROUND,),
        )
        self.attempt(lambda: submit_application(open_draft(person), by=person, answers=answers))

    @rule(which=WHICH)
    def withdraw(self, which: int) -> None:
        row = self.pick(which, *OPEN_STATES)
        if row is not None:
            self.attempt(lambda: withdraw_application(row, by=row.applicant))

    @rule(which=WHICH, by=PEOPLE)
    def appeal(self, which: int, by: int) -> None:
        row = self.pick(which, ApplicationState.REJECTED)
        if row is not None:
            person = row.applicant if by < 4 else self.people[by]
            self.attempt(lambda: appeal_decision(row, by=person, text="Read it again."))

    @rule(which=WHICH, by=PEOPLE)
    def claim(self, which: int, by: int) -> None:
        row, person = self.pick(which, *REVIEW_STATES), self.people[by]
        if row is not None:
            self.attempt(lambda: claim_application(row, by=person))

    @rule(which=WHICH, by=PEOPLE, to=PEOPLE, command=st.sampled_from(["release", "hand_over"]))
    def handle(self, which: int, by: int, to: int, command: str) -> None:
        row, person = self.pick(which, *REVIEW_STATES), self.people[by]
        if row is not None:
            holder = row.claimed_by or person
            self.attempt(lambda: HANDLING[command](row, holder, self.people[to]))

    @rule(which=WHICH, by=PEOPLE)
    def return_or_remind(self, which: int, by: int) -> None:
        row, person = self.pick(which, *REVIEW_STATES), self.people[by]
        if row is not None and row.state == ApplicationState.RETURNED:
            self.attempt(lambda: remind_applicant(row, by=person))
        elif row is not None:
            self.attempt(lambda: return_application(row, by=person, note="Say more."))

    @rule(
        which=WHICH,
        first=PEOPLE,
        second=PEOPLE,
        until=st.sampled_from([150, 200]),
        regrets=st.booleans(),
    )
    def approve(self, which: int, first: int, second: int, until: int, regrets: bool) -> None:
        """By two people in turn; the second is too late if one is enough."""
        row = self.pick(which, *REVIEW_STATES)
        if row is None:
            return
        for by in (first, second):
            self.attempt(
                partial(
                    approve_application,
                    row,
                    by=self.people[by],
                    models=list(row.models_wanted.all()),
                    capabilities=[Capability.PLAYGROUND],
                    ends_at=START + timedelta(days=until),
                )
            )
        if regrets:
            self.attempt(lambda: take_back_decision(row, by=self.people[first]))

    @rule(which=WHICH, by=PEOPLE)
    def reject(self, which: int, by: int) -> None:
        row, person = self.pick(which, *REVIEW_STATES), self.people[by]
        if row is not None:
            self.attempt(lambda: reject_application(row, by=person, reason="Commercial."))

    @rule(which=WHICH, by=PEOPLE)
    def take_back(self, which: int, by: int) -> None:
        row, person = self.pick(which, *DECIDED_STATES), self.people[by]
        if row is not None:
            self.attempt(lambda: take_back_decision(row, by=person))

    @rule(which=WHICH, by=PEOPLE, wait=st.sampled_from([HOLD, timedelta(0)]))
    def reopen(self, which: int, by: int, wait: timedelta) -> None:
        self.time_passes(wait)
        row, person = self.pick(which, *DECIDED_STATES), self.people[by]
        if row is not None:
            self.attempt(lambda: reopen_application(row, by=person, reason="A mistake."))

    @rule(by=PEOPLE, command=st.sampled_from([suspend_grant, resume_grant, revoke_grant]))
    def touch_a_grant(self, by: int, command: Callable[..., Step]) -> None:
        grant = Grant.objects.order_by("-pk").first()
        if grant is not None:
            self.attempt(lambda: command(grant, by=self.people[by], reason="A question."))

    @rule(giver=APPLICANTS)
    def give_back(self, giver: int) -> None:
        person = self.people[giver]
        grant = Grant.objects.filter(user=person).select_related("application").first()
        if grant is not None:
            self.attempt(lambda: give_grant_back(grant, by=person))

    @rule(wait=st.sampled_from([timedelta(0), timedelta(days=8), timedelta(days=31)]))
    def the_clock_closes(self, wait: timedelta) -> None:
        self.time_passes(wait)
        remind_unanswered(at=self.now, limit=9)
        close_unanswered(at=self.now, limit=9)

    @rule()
    def mail_leaves(self) -> None:
        send_due()

    @invariant()
    def the_gate_and_the_list_agree(self) -> None:
        for person in getattr(self, "people", [])[:2]:
            listed = set(usable_models(person, Capability.PLAYGROUND, self.now))
            allowed = {
                model
                for model in self.models
                if decide(person, model, Capability.PLAYGROUND, self.now).allowed
            }
            assert listed == allowed

    @invariant()
    def nobody_decides_on_their_own(self) -> None:
        own = Step.objects.filter(ruling__isnull=False).filter(
            actor__in=[row.applicant_id for row in Application.objects.all()]
        )
        assert [s for s in own.select_related("application") if _is_own(s)] == []

    @invariant()
    def a_guarded_model_has_two_deciders(self) -> None:
        for grant in Grant.objects.filter(model__tier=Tier.TWO_REVIEWERS):
            (ruling,) = [
                ruling
                for ruling in Ruling.objects.select_related("step")
                if grant.pk in ruling.made_grants
            ]
            endorsers = Endorsement.objects.filter(
                application=grant.application, models_endorsed=grant.model
            ).exclude(reviewer=ruling.step.actor_id)
            assert endorsers.exists()

    @invariant()
    def a_decision_is_told_or_taken_back_and_never_both(self) -> None:
        for ruling in Ruling.objects.select_related("step"):
            assert ruling.taken_back_at is None or ruling.step.told_at is None
            assert ruling.step.told_at is None or ruling.step.told_at >= ruling.effective_at

    @invariant()
    def what_is_in_review_opens_nothing(self) -> None:
        """No application in review, and no held decision, has an active grant that it gave
        to a person who had none.
        """
        for row in Application.objects.filter(state__in=REVIEW_STATES):
            active = row.grants.filter(state=GrantState.ACTIVE)
            assert not active.exists()

    @invariant()
    def an_appeal_is_decided_by_somebody_else(self) -> None:
        for row in Application.objects.filter(appealed_at__isnull=False):
            decided = Step.objects.filter(
                application=row,
                command__in=[Command.APPROVE, Command.REJECT],
                ruling__taken_back_at=None,
            )
            before = set(decided.filter(at__lt=row.appealed_at).values_list("actor", flat=True))
            after = set(decided.filter(at__gt=row.appealed_at).values_list("actor", flat=True))
            assert before & after == set()

    @invariant()
    def a_person_holds_one_grant_for_a_model(self) -> None:
        held = [
            (grant.user_id, grant.model_id) for grant in Grant.objects.filter(state__in=HELD_STATES)
        ]
        assert len(held) == len(set(held))

    @invariant()
    def every_step_has_its_event_and_the_chain_verifies(self) -> None:
        assert find_breaks() == []


def _is_own(step: Step) -> bool:
    return step.actor_id == step.application.applicant_id


REACHED = {
    Command.SUBMIT,
    Command.WITHDRAW,
    Command.CLAIM,
    Command.RETURN,
    Command.ENDORSE,
    Command.APPROVE,
    Command.REJECT,
    Command.TAKE_BACK,
    Command.VOID,
}
"""The states that the runs must reach, or they prove little."""
EFFORT = settings(
    max_examples=15,
    derandomize=True,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.django_db
def test_the_process_keeps_its_promises_whatever_people_do(settings: Settings) -> None:
    settings.DECISION_HOLD_SECONDS = int(HOLD.total_seconds())
    ProcessMachine.seen = set()
    run_state_machine_as_test(ProcessMachine, settings=EFFORT)
    assert ProcessMachine.seen >= REACHED
