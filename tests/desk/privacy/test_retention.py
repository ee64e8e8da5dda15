"""Every period to the second: the row is deleted at its end, not earlier, and never twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils.crypto import get_random_string
from pytest_django import Settings

from portal.desk.privacy.domain import retention
from portal.desk.privacy.domain.retention import POLICIES, carry_out_retention
from portal.gate.access.domain.numbers.reconcile import find_differences
from portal.gate.access.domain.process.applications import Answers, open_draft, submit_application
from portal.gate.access.domain.process.reviews import reject_application, return_application
from portal.gate.access.enums import ApplicationState, Command
from portal.gate.access.models import Application, Grant, Step
from portal.gate.catalog.models import HostedModel
from portal.gate.keys.domain.device import begin_login
from portal.gate.licensing.domain.signing import sign_licence
from portal.gate.licensing.enums import Capacity
from portal.gate.renewals.models import Renewal
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.mailbox.models import StoredMail
from portal.platform.notices.domain.outbox import post
from portal.platform.notices.domain.sending import send_due
from portal.platform.notices.enums import NoticeState
from portal.platform.notices.models import Notice
from tests.desk.privacy.test_erasure import places_that_know
from tests.factories.access import ApplicationFactory, GrantFactory, StepFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.gate.access.conftest import TYPED

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NAME = "Quendolina Zwaluwstaart"


@pytest.fixture(autouse=True)
def _periods(settings: Settings) -> None:
    """All different, so that no period can be mistaken for another."""
    settings.DRAFT_RETENTION_DAYS = 90
    settings.REFUSED_RETENTION_DAYS = 730
    settings.READ_NOTICE_RETENTION_DAYS = 365
    settings.UNVERIFIED_ACCOUNT_DAYS = 3
    settings.DEMO_MAIL_RETENTION_DAYS = 31
    settings.RETURNED_CLOSE_DAYS = 30


def draft(at: datetime) -> None:
    ApplicationFactory.create(is_draft=True)


def refused_case(at: datetime) -> None:
    application = ApplicationFactory.create(state=ApplicationState.REJECTED)
    StepFactory.create(application=application, command=Command.REJECT, at=at)


def withdrawn_draft(at: datetime) -> None:
    application = ApplicationFactory.create(is_draft=True, state=ApplicationState.WITHDRAWN)
    StepFactory.create(application=application, command=Command.WITHDRAW, at=at)


def read_notice(at: datetime) -> None:
    with transaction.atomic():
        notice = post(UserFactory.create(), kind="test", subject="Hello", body="Text")
    Notice.objects.filter(pk=notice.pk).update(state=NoticeState.SENT, sent_at=at, read_at=at)


def unverified_account(at: datetime) -> None:
    UserFactory.create(verified=False, date_joined=at)


def ended_session(at: datetime) -> None:
    Session.objects.create(session_key=get_random_string(32), session_data="", expire_date=at)


def demo_mail(at: datetime) -> None:
    StoredMail.objects.create(to="a@example.org", subject="Hello", body="Text")


def device_login(at: datetime) -> None:
    begin_login(address=None, at=at)


KINDS: list[tuple[str, Callable[[datetime], None], timedelta]] = [
    ("drafts_deleted", draft, timedelta(days=90)),
    ("cases_erased", refused_case, timedelta(days=730)),
    ("cases_erased", withdrawn_draft, timedelta(days=730)),
    ("read_notices_deleted", read_notice, timedelta(days=365)),
    ("unverified_accounts_deleted", unverified_account, timedelta(days=3)),
    ("sessions_deleted", ended_session, timedelta(0)),
    ("device_logins_deleted", device_login, timedelta(minutes=15)),
    ("demo_mails_deleted", demo_mail, timedelta(days=31)),
]


@pytest.mark.parametrize(("name", "make", "period"), KINDS)
def test_a_period_ends_to_the_second_and_is_carried_out_once(
    name: str, make: Callable[[datetime], None], period: timedelta
) -> None:
    with time_machine.travel(NOW, tick=False):
        make(NOW)
    rounds = [
        carry_out_retention(at=NOW + period + offset)
        for offset in (-SECOND, timedelta(0), SECOND, 2 * SECOND)
    ]
    assert rounds == [{}, {}, {name: 1}, {}]
    events = AuditEvent.objects.filter(tag=AuditTag.RETENTION_CARRIED_OUT)
    assert [(event.actor, event.data) for event in events] == [(None, {name: 1})]
    assert find_breaks() == []


@pytest.mark.parametrize(("name", "make", "period"), KINDS)
def test_a_round_is_bounded(name: str, make: Callable[[datetime], None], period: timedelta) -> None:
    with time_machine.travel(NOW, tick=False):
        for _ in range(3):
            make(NOW)
    at = NOW + period + SECOND
    rounds = [carry_out_retention(at=at, limit=2) for _ in range(3)]
    assert rounds == [{name: 2}, {name: 1}, {}]


def test_every_kind_is_tried_here() -> None:
    assert {name for name, _, _ in KINDS} | {"returns_reminded", "returns_closed"} == set(POLICIES)


def test_a_kind_that_fails_keeps_none_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(at: datetime, limit: int) -> int:
        raise DatabaseError

    with time_machine.travel(NOW, tick=False):
        draft(NOW)
        demo_mail(NOW)
    policies: dict[str, object] = {**POLICIES, "drafts_deleted": fail}
    monkeypatch.setattr(retention, "POLICIES", policies)
    assert carry_out_retention(at=NOW + timedelta(days=99)) == {"demo_mails_deleted": 1}


def test_what_is_in_use_is_kept() -> None:
    with time_machine.travel(NOW, tick=False):
        ApplicationFactory.create()
        approved = ApplicationFactory.create(state=ApplicationState.APPROVED)
        StepFactory.create(application=approved, command=Command.APPROVE, at=NOW)
        for changes in (
            {"is_staff": True},
            {"is_reviewer": True},
            {"is_auditor": True},
            {"last_login": NOW},
        ):
            UserFactory.create(verified=False, date_joined=NOW, **changes)
        UserFactory.create(date_joined=NOW)
        held = UserFactory.create(verified=False, date_joined=NOW)
        ApplicationFactory.create(applicant=held)
        with transaction.atomic():
            post(UserFactory.create(), kind="test", subject="Unread", body="Text")
    before = (User.objects.count(), Application.objects.count(), Notice.objects.count())
    assert carry_out_retention(at=NOW + timedelta(days=3000)) == {}
    assert (User.objects.count(), Application.objects.count(), Notice.objects.count()) == before


def test_a_session_that_goes_takes_its_trace_with_it(client: Client) -> None:
    user = UserFactory.create()
    with time_machine.travel(NOW, tick=False):
        client.force_login(user)
        client.get("/models/")
        assert UserSession.objects.count() == 1
        carry_out_retention(at=NOW)
        assert (Session.objects.count(), UserSession.objects.count()) == (1, 1)
    carry_out_retention(at=NOW + timedelta(days=15))
    assert (Session.objects.count(), UserSession.objects.count()) == (0, 0)


def make_answers(model: HostedModel) -> Answers:
    values = {**TYPED, "intended_use": f"{NAME} asks.", "others_with_access": NAME}
    return Answers(**{**values, "models": (model,), "capabilities": ("playground",)})


def test_a_refused_case_keeps_its_record_and_loses_its_person(settings: Settings) -> None:
    settings.DECISION_HOLD_SECONDS = 0
    model = HostedModelFactory.create()
    reviewer, person = UserFactory.create(is_reviewer=True), UserFactory.create(name=NAME)
    with time_machine.travel(NOW, tick=False):
        version = model.release.licence.versions.get()
        sign_licence(person, version=version, legal_name="Somebody", capacity=Capacity.SELF)
        application = open_draft(person)
        submit_application(application, by=person, answers=make_answers(model))
        reject_application(application, by=reviewer, reason=f"Dear {NAME}, no.")
        Notice.objects.update(state=NoticeState.SENT, sent_at=NOW)
    # The account itself continues, under the name that its owner gives it.
    User.objects.filter(pk=person.pk).update(name="Another Name")
    assert places_that_know(NAME) >= {"access_application.applicant_name", "access_step.note"}
    assert carry_out_retention(at=NOW + timedelta(days=731)) == {"cases_erased": 1}
    assert places_that_know(NAME) == set()
    application.refresh_from_db()
    assert (application.state, application.country) == (ApplicationState.REJECTED, "NL")
    assert application.applicant_name == f"person-{person.pk}"
    assert list(application.models_wanted.all()) == [model]
    assert (find_breaks(), find_differences()) == ([], [])


def returned(at: datetime) -> Application:
    """An application that was returned at this time, without a hold."""
    with time_machine.travel(at, tick=False):
        application = ApplicationFactory.create()
        return_application(application, by=UserFactory.create(is_reviewer=True), note="Say more.")
    return application


def test_a_returned_application_is_reminded_of_and_then_closed(
    settings: Settings, run_sent: Callable[[], list[str]]
) -> None:
    settings.DECISION_HOLD_SECONDS = 0
    application = returned(NOW)
    assert len(run_sent()) == 1
    assert mail.outbox[0].body.count("by 23 December 2026") == 1
    told = []
    for day in range(40):
        with time_machine.travel(NOW + timedelta(days=day), tick=False):
            done = carry_out_retention(at=NOW + timedelta(days=day))
            told += [(day, done, run_sent())] if done else []
    case = application.case_number
    assert told == [
        (23, {"returns_reminded": 1}, [f"Reminder: your application {case} needs changes"]),
        (30, {"returns_closed": 1}, [f"Your application {case} is closed without an answer"]),
    ]
    application.refresh_from_db()
    assert application.state == ApplicationState.LAPSED
    assert application.grants.count() == 0
    closed = AuditEvent.objects.get(tag=AuditTag.APPLICATION_LAPSED)
    assert (closed.actor, closed.data["to"]) == (None, "lapsed")
    # The person can apply again immediately, with the previous text.
    assert open_draft(application.applicant).state == ApplicationState.DRAFT


@pytest.fixture
def run_sent() -> Callable[[], list[str]]:
    """Sends the mails that are due, and returns their subjects."""

    def run() -> list[str]:
        mail.outbox.clear()
        send_due()
        return [str(message.subject) for message in mail.outbox]

    return run


def test_nobody_is_closed_out_who_was_not_reminded_a_week_before(settings: Settings) -> None:
    settings.DECISION_HOLD_SECONDS = 0
    returned(NOW)
    late = NOW + timedelta(days=100)
    days = []
    for day in range(9):
        with time_machine.travel(late + timedelta(days=day), tick=False):
            if done := carry_out_retention(at=late + timedelta(days=day)):
                days.append((day, *done))
    assert days == [(0, "returns_reminded"), (7, "returns_closed")]


def test_a_held_return_is_not_counted_from_before_it_is_told(settings: Settings) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    application = returned(NOW)
    at = NOW + timedelta(days=23)
    counts = [
        carry_out_retention(at=at + offset) for offset in (timedelta(0), timedelta(minutes=10))
    ]
    assert counts == [{}, {"returns_reminded": 1}]
    reminded = Step.objects.get(application=application, command=Command.REMIND)
    assert reminded.actor is None


def test_halted_access_ends_when_a_returned_application_is_closed(settings: Settings) -> None:
    settings.DECISION_HOLD_SECONDS = 0
    application = returned(NOW)
    grant = GrantFactory.create(
        user=application.applicant, application=application, state="suspended"
    )
    StepFactory.create(application=application, grant=grant, command=Command.HALT, at=NOW)
    for day in (23, 30):
        with time_machine.travel(NOW + timedelta(days=day), tick=False):
            carry_out_retention(at=NOW + timedelta(days=day))
    grant.refresh_from_db()
    assert (grant.state, Renewal.objects.count(), Grant.objects.count()) == ("revoked", 0, 1)
