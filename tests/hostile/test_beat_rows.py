"""Every beat task survives a row that raises: the other rows are done in the same round."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from inference_workers.contract import EnergySource
from portal.config.celery import app
from portal.desk.privacy.domain import carrying_out
from portal.desk.privacy.domain import retention as privacy_retention
from portal.desk.privacy.domain.requests import request_erasure
from portal.desk.privacy.enums import ErasureState
from portal.desk.privacy.models import ErasureRequest
from portal.gate.access.domain import retention as access_retention
from portal.gate.access.domain.desk import overdue
from portal.gate.access.domain.process import lapsing
from portal.gate.access.domain.reconsent import announcements
from portal.gate.access.enums import ApplicationState, Capability, Command
from portal.gate.access.models import Application, Step
from portal.gate.renewals.domain import endings, statements
from portal.gate.renewals.enums import RenewalState
from portal.gate.renewals.models import EndNotice, StatementRequest
from portal.gate.teams.domain import upkeep as teams
from portal.gate.teams.enums import MemberState
from portal.gate.vouching.domain import upkeep as vouching
from portal.gate.vouching.enums import DomainState, VouchKind
from portal.gate.vouching.models import AuthorisedDomain, VouchRequest
from portal.gate.webhooks.domain import fan_out
from portal.gate.webhooks.models import Endpoint, Event
from portal.lab.batches.domain import advance, files
from portal.lab.batches.enums import BatchStatus, FilePurpose
from portal.lab.batches.models import StoredFile
from portal.lab.energy.models import EnergyReading
from portal.lab.jobs.domain import access, reaper
from portal.lab.jobs.enums import JobState
from portal.platform.accounts.models import User
from portal.platform.core.redis import sync_redis
from portal.platform.notices.domain import sending
from portal.platform.notices.domain.outbox import post
from portal.platform.notices.enums import NoticeState
from portal.platform.notices.models import MailPreference, Notice
from tests.factories.access import ApplicationFactory, GrantFactory, StepFactory
from tests.factories.accounts import UserFactory
from tests.factories.batch_lines import write_request
from tests.factories.batches import make_batch
from tests.factories.jobs import GenerationJobFactory, beat, make_researcher
from tests.factories.keys import ApiKeyFactory
from tests.factories.licensing import LicenceVersionFactory, SignatureFactory
from tests.factories.logs import site_log
from tests.factories.renewals import make_renewal
from tests.factories.teams import MemberFactory, TeamFactory
from tests.factories.vouching import VouchRequestFactory, ask

pytestmark = pytest.mark.django_db
SECRET = "a-very-secret-name"
DAY = timedelta(days=1)
Poison = Callable[[Any, str, Any], list[Any]]
"""Let a module's function raise for one row, and return the rows that it processes."""
Done = Callable[[], list[Any]]
"""The states of the poisoned row and the good one."""
CASES: dict[str, list[Callable[[Poison], Done]]] = {}


def case(task: str) -> Callable[[Callable[[Poison], Done]], Callable[[Poison], Done]]:
    def note(prepare: Callable[[Poison], Done]) -> Callable[[Poison], Done]:
        CASES.setdefault(task, []).append(prepare)
        return prepare

    return note


SETS = {
    "portal.webhooks.forget_old",
    "portal.jobs.erase_old_prompts",
    "portal.notebook.erase_by_project",
}
"""Tasks of a few statements over all rows: they process no row by itself."""


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Poison:
    def spoil(module: Any, name: str, row: Any) -> list[Any]:
        work, done = getattr(module, name), []

        def raise_for_one(*args: Any, **kwargs: Any) -> Any:
            given = (*args, *kwargs.values())
            rows = [each for arg in given for each in (arg if isinstance(arg, list) else [arg])]
            if row in rows:
                raise RecursionError(SECRET)
            answer = work(*args, **kwargs)
            done.extend(rows)
            return answer

        monkeypatch.setattr(module, name, raise_for_one)
        return done

    return spoil


def test_every_task_of_beat_is_tried() -> None:
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert scheduled == {*CASES, *SETS}


def states(rows: list[Any], field: str = "state") -> Done:
    """A field's current value for each row."""
    return lambda: [
        type(row)._default_manager.values_list(field, flat=True).get(pk=row.pk) for row in rows
    ]


def exist(kind: Any, **fields: Any) -> Done:
    """Whether a row of this kind has the first value, and one the second."""
    (name, values), *others = fields.items()
    rows = kind.objects.filter(**dict(others))
    return lambda: [rows.filter(**{name: value}).exists() for value in values]


@case("portal.jobs.reap")
def jobs_past_their_time(poison: Poison) -> Done:
    late = timezone.now() - DAY
    jobs = [GenerationJobFactory.create(running=True, deadline_at=late) for _ in range(2)]
    poison(reaper, "_judge", jobs[0])
    after = states(jobs)
    return lambda: [state == JobState.FAILED for state in after()]


@case("portal.jobs.reap")
def people_whose_grants_have_ended(poison: Poison) -> Done:
    jobs = []
    for _ in range(2):
        person, model = make_researcher()
        jobs.append(GenerationJobFactory.create(held_back=True, user=person, model=model))
        person.grants.update(ends_at=timezone.now())
    poisoned = jobs[0].user_id
    poison(access, "cancel_jobs_without_access", poisoned)
    after = states(jobs)
    return lambda: [state == JobState.CANCELLED for state in after()]


@case("portal.jobs.reap")
def deployments_with_waiting_runs(poison: Poison) -> Done:
    jobs = [
        GenerationJobFactory.create(held_back=True, deployment=name) for name in ("bad", "good")
    ]
    poison(reaper, "send_waiting", "bad")
    after = states(jobs, "sent_at")
    return lambda: [sent_at is not None for sent_at in after()]


def notices(*people: User, **fields: Any) -> list[Notice]:
    with transaction.atomic():
        made = [post(each, kind="test", subject="Hello", body="Text", **fields) for each in people]
    Notice.objects.update(due_at=timezone.now() - DAY)
    return made


@case("portal.notices.send_due")
def notices_of_which_one_cannot_be_written(poison: Poison) -> Done:
    rows = notices(UserFactory.create(), UserFactory.create())
    poison(sending, "compose", rows[0])
    after = states(rows)
    return lambda: [state == NoticeState.SENT for state in after()]


@case("portal.notices.send_due")
def a_digest_of_which_one_part_cannot_be_written(poison: Poison) -> Done:
    person = UserFactory.create()
    MailPreference.objects.create(user=person, is_digest=True)
    rows = notices(person, person, may_wait=True)
    poison(sending, "compose", rows[0])
    after = states(rows)
    return lambda: [state == NoticeState.SENT for state in after()]


@case("portal.notices.send_due")
def digests_of_two_people(poison: Poison) -> Done:
    people = [UserFactory.create(), UserFactory.create()]
    for person in people:
        MailPreference.objects.create(user=person, is_digest=True)
    rows = notices(*people, may_wait=True)
    poison(sending, "_send_digest", people[0].pk)
    after = states(rows)
    return lambda: [state == NoticeState.SENT for state in after()]


@case("portal.webhooks.dispatch")
def events(poison: Poison) -> Done:
    now = timezone.now()
    Endpoint.objects.create(
        name="University",
        url="https://hooks.example.org/",
        events=["grant.made"],
        secret_seed="0" * 32,
        created_by=UserFactory.create(is_staff=True),
        created_at=now - DAY,
    )
    rows = [Event.objects.create(type="grant.made", created_at=now, due_at=now) for _ in range(2)]
    poison(fan_out, "_wants", rows[0])
    after = states(rows, "fanned_out_at")
    return lambda: [at is not None for at in after()]


@case("portal.access.tell_of_changed_licences")
def people_who_signed(poison: Poison) -> Done:
    now = timezone.now()
    first = LicenceVersionFactory.create()
    people = [
        SignatureFactory.create(version=first, signed_at=now - 90 * DAY).user for _ in range(2)
    ]
    LicenceVersionFactory.create(licence=first.licence, number=2, effective_at=now - DAY)
    poison(announcements, "post_reconsent", people[0])
    return exist(Notice, recipient=people)


@case("portal.access.tell_of_changed_licences")
def licences_that_changed(poison: Poison) -> Done:
    now = timezone.now()
    people, changes = [], []
    for _ in range(2):
        first = LicenceVersionFactory.create()
        people.append(SignatureFactory.create(version=first, signed_at=now - 90 * DAY).user)
        changes.append(
            LicenceVersionFactory.create(licence=first.licence, number=2, effective_at=now - DAY)
        )
    poison(announcements, "_notify", changes[0])
    return exist(Notice, recipient=people)


def overdue_case() -> Application:
    _, model = make_researcher()
    long_ago = timezone.now() - 400 * DAY
    application: Application = ApplicationFactory.create(
        models_wanted=[model], submitted_at=long_ago
    )
    return application


@case("portal.access.call_to_overdue")
def reviewers(poison: Poison) -> Done:
    overdue_case()
    people = [UserFactory.create(is_reviewer=True) for _ in range(2)]
    poison(overdue, "post", people[0])
    return exist(Notice, recipient=people)


@case("portal.access.call_to_overdue")
def cases_that_wait(poison: Poison) -> Done:
    UserFactory.create(is_staff=True)
    cases = [overdue_case(), overdue_case()]
    poison(overdue, "promised_days", cases[0])
    return exist(Notice, about=[f"application:{each.case_number}" for each in cases])


@case("portal.access.call_to_overdue")
def operators_after_reviewers_that_fail(poison: Poison) -> Done:
    reviewer, operator = UserFactory.create(is_reviewer=True), UserFactory.create(is_staff=True)
    overdue_case()
    poison(overdue, "post", reviewer)
    return exist(Notice, recipient=[reviewer, operator])


@case("portal.energy.record")
def workers(poison: Poison) -> Done:
    """A real poison: PostgreSQL has no NUL."""
    names = ["a\0b", "good"]
    for name in names:
        beat(
            sync_redis(),
            worker=name,
            energy_source=EnergySource.NVML,
            energy_joules=7.0,
        )
    return lambda: [False, EnergyReading.objects.filter(worker="good", joules=7.0).exists()]


@case("portal.batches.advance_all")
def batches(poison: Poison) -> Done:
    beat(sync_redis())
    person, model = make_researcher()
    key = ApiKeyFactory.create(user=person)
    rows = [make_batch(key, write_request("one", model=model.slug)) for _ in range(2)]
    poison(advance, "receive_nudge", rows[0].pk)
    after = states(rows, "status")
    return lambda: [status == BatchStatus.IN_PROGRESS for status in after()]


@case("portal.batches.erase_old_files")
def old_files(poison: Poison) -> Done:
    with transaction.atomic():
        rows = [
            files.write_file(UserFactory.create(), [b"{}"], name="in", purpose=FilePurpose.BATCH)
            for _ in range(2)
        ]
    StoredFile.objects.update(created_at=timezone.now() - 3650 * DAY)
    poison(files, "erase_file", rows[0])
    after = states(rows, "erased_at")
    return lambda: [at is not None for at in after()]


@case("portal.teams.tend")
def members(poison: Poison) -> Done:
    team = TeamFactory.create(
        application=ApplicationFactory.create(state=ApplicationState.APPROVED)
    )
    rows = [MemberFactory.create(team=team) for _ in range(2)]
    followed = poison(teams, "derive_grants", rows[0])
    return lambda: [row in followed for row in rows]


@case("portal.teams.tend")
def invitations_after_leads_that_fail(poison: Poison) -> Done:
    old = timezone.now() - 90 * DAY
    team = TeamFactory.create(
        application=ApplicationFactory.create(state=ApplicationState.APPROVED)
    )
    row = MemberFactory.create(
        team=team, user=None, email="a@example.org", state=MemberState.INVITED, joined_at=None,
        expires_at=old,
    )  # fmt: skip
    joined = MemberFactory.create(team=team)
    followed = poison(teams, "_follow", joined.pk)
    after = states([row], "email")
    return lambda: [joined.pk in followed, after() == [""]]


@case("portal.vouching.tend")
def vouchers_to_remind(poison: Poison) -> Done:
    rows = [VouchRequestFactory.create() for _ in range(2)]
    for row in rows:
        ask(row)
    VouchRequest.objects.update(sent_at=timezone.now() - 8 * DAY)
    poison(vouching, "post_letter", rows[0])
    after = states(rows, "reminded_at")
    return lambda: [at is not None for at in after()]


@case("portal.vouching.tend")
def officials_to_warn(poison: Poison) -> Done:
    now = timezone.now()
    requests = [VouchRequestFactory.create(kind=VouchKind.OFFICIAL) for _ in range(2)]
    rows = [
        AuthorisedDomain.objects.create(
            domain=f"{place}.example.org",
            request=request,
            state=DomainState.CONFIRMED,
            proposed_at=now - 360 * DAY,
            decided_at=now - 360 * DAY,
            decided_by=UserFactory.create(is_reviewer=True),
            ends_at=now + DAY,
        )
        for place, request in enumerate(requests)
    ]
    poison(vouching, "post_letter", requests[0])
    after = states(rows, "warned_at")
    return lambda: [at is not None for at in after()]


@case("portal.vouching.tend")
def vouchers_to_forget(poison: Poison) -> Done:
    closed = [ApplicationFactory.create(state=ApplicationState.REJECTED) for _ in range(2)]
    long_ago = timezone.now() - 3650 * DAY
    rows = [VouchRequestFactory.create(application=each, named_at=long_ago) for each in closed]
    poison(vouching, "erase_vouchers", rows[0])
    after = states(rows, "erased_at")
    return lambda: [at is not None for at in after()]


@case("portal.privacy.carry_out_retention")
def drafts(poison: Poison) -> Done:
    rows = [ApplicationFactory.create(is_draft=True) for _ in range(2)]
    Application.objects.update(saved_at=timezone.now() - 3650 * DAY)
    poison(access_retention, "_delete_draft", rows[0].pk)
    return lambda: [not Application.objects.filter(pk=row.pk).exists() for row in rows]


@case("portal.privacy.carry_out_retention")
def closed_cases(poison: Poison) -> Done:
    rows = [ApplicationFactory.create(state=ApplicationState.REJECTED) for _ in range(2)]
    for row in rows:
        long_ago = timezone.now() - 3650 * DAY
        StepFactory.create(application=row, command=Command.REJECT, at=long_ago)
    poison(privacy_retention, "erase_case", rows[0])
    after = states(rows, "erased_at")
    return lambda: [at is not None for at in after()]


@case("portal.privacy.carry_out_retention")
def unanswered_returns(poison: Poison) -> Done:
    long_ago = timezone.now() - 3650 * DAY
    rows = [
        ApplicationFactory.create(state=ApplicationState.RETURNED, effective_at=long_ago)
        for _ in range(2)
    ]
    for row in rows:
        StepFactory.create(application=row, command=Command.RETURN, at=long_ago)
    poison(lapsing, "move_application", rows[0])
    return exist(Step, application=rows, command=Command.REMIND)


@case("portal.privacy.carry_out_retention")
def accounts_that_nobody_confirmed(poison: Poison) -> Done:
    rows = [UserFactory.create(verified=False) for _ in range(2)]
    User.objects.update(date_joined=timezone.now() - 3650 * DAY, last_login=None)
    poison(privacy_retention, "_delete_account", rows[0].pk)
    return lambda: [not User.objects.filter(pk=row.pk).exists() for row in rows]


@case("portal.privacy.carry_out_retention")
def kinds_of_rows(poison: Poison) -> Done:
    draft = ApplicationFactory.create(is_draft=True)
    account = UserFactory.create(verified=False)
    Application.objects.update(saved_at=timezone.now() - 3650 * DAY)
    User.objects.filter(pk=account.pk).update(date_joined=timezone.now() - 3650 * DAY)
    poison(privacy_retention, "_carry_out", "drafts_deleted")
    return lambda: [
        not Application.objects.filter(pk=draft.pk).exists(),
        not User.objects.filter(pk=account.pk).exists(),
    ]


@case("portal.privacy.carry_out_erasures")
def people_who_leave(poison: Poison) -> Done:
    people = [UserFactory.create() for _ in range(2)]
    rows = [request_erasure(person) for person in people]
    ErasureRequest.objects.update(due_at=timezone.now() - DAY)
    poison(carrying_out, "erase_person", people[0])
    after = states(rows)
    return lambda: [state == ErasureState.CARRIED_OUT for state in after()]


@case("portal.renewals.watch_ends")
def grants_that_end_soon(poison: Poison) -> Done:
    rows = [
        GrantFactory.create(starts_at=timezone.now() - 90 * DAY, ends_at=timezone.now() + 6 * DAY)
        for _ in range(2)
    ]
    poison(endings, "_warn", rows[0])
    return exist(EndNotice, grant=rows)


@case("portal.renewals.watch_ends")
def grants_that_have_ended(poison: Poison) -> Done:
    rows = [GrantFactory.create(ends_at=timezone.now()) for _ in range(2)]
    poison(endings, "announce_end", rows[0])
    return exist(EndNotice, grant=rows)


@case("portal.renewals.watch_ends")
def renewals_that_nobody_answers(poison: Poison) -> Done:
    long_ago = timezone.now() - 3650 * DAY
    grants = [GrantFactory.create(starts_at=long_ago - DAY, ends_at=long_ago) for _ in range(2)]
    rows = [make_renewal(grant, RenewalState.RETURNED) for grant in grants]
    poison(endings, "move_renewal", rows[0])
    after = states(rows)
    return lambda: [state == RenewalState.LAPSED for state in after()]


@case("portal.renewals.watch_ends")
def holders_who_owe_a_statement(poison: Poison) -> Done:
    now = timezone.now()
    rows = [
        GrantFactory.create(
            capabilities=[Capability.WEIGHTS], starts_at=now - 90 * DAY, ends_at=now - 60 * DAY
        )
        for _ in range(2)
    ]
    poison(statements, "request_statement", rows[0])
    return exist(StatementRequest, grant=rows)


@pytest.mark.parametrize(
    ("task", "prepare"),
    [
        pytest.param(task, prepare, id=f"{task}-{prepare.__name__}")
        for task, prepares in CASES.items()
        for prepare in prepares
    ],
)
def test_a_row_that_raises_stops_no_other(
    valkey: redis.Redis,
    poison: Poison,
    capfd: pytest.CaptureFixture[str],
    task: str,
    prepare: Callable[[Poison], Done],
) -> None:
    done = prepare(poison)
    app.loader.import_default_modules()
    with site_log():
        app.tasks[task]()
    assert done() == [False, True]
    written = capfd.readouterr().err
    assert ("row_failed" in written, SECRET in written) == (True, False)
