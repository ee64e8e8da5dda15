"""After an erasure no column of any table contains the person, and the chain is still valid."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import redis
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from psycopg import sql
from pypdf import PdfReader

from inference_workers.contract import SamplingParams
from portal.desk.privacy.domain.erasure import erase_person
from portal.gate.access.domain.desk.claims import claim_application, hand_over_application
from portal.gate.access.domain.desk.merging import merge_accounts
from portal.gate.access.domain.process.applications import (
    Answers,
    open_draft,
    submit_application,
)
from portal.gate.access.domain.process.drafts import save_draft
from portal.gate.access.domain.process.remarks import write_remark
from portal.gate.access.domain.process.reviews import return_application
from portal.gate.access.domain.screening.denylist import appeal_denial, deny, lift_denial
from portal.gate.access.enums import ApplicationState, Capability, DenialKind, GrantState, KeyScope
from portal.gate.access.models import Application, Denial, Override, Step
from portal.gate.catalog.enums import Tier
from portal.gate.catalog.models import HostedModel
from portal.gate.keys.domain.lifecycle import issue_key
from portal.gate.keys.models import ApiKey
from portal.gate.licensing.domain.agreement.issue import make_agreement
from portal.gate.licensing.domain.signing import sign_licence
from portal.gate.licensing.enums import Capacity
from portal.gate.licensing.models import Signature
from portal.gate.renewals.domain.decisions import return_renewal
from portal.gate.renewals.domain.handing_in import ReportAnswers
from portal.gate.renewals.domain.statements import StatementAnswers, state_destruction
from portal.gate.renewals.enums import RenewalState
from portal.gate.renewals.models import Renewal
from portal.gate.teams.models import Member
from portal.gate.vouching.domain.answers import answer_request
from portal.gate.vouching.domain.domains import confirm_domain, withdraw_domain
from portal.gate.vouching.enums import Answer, VouchKind
from portal.lab.batches.domain.advance import advance_all
from portal.lab.batches.enums import BatchStatus
from portal.lab.batches.models import Batch, BatchRow, FileChunk, StoredFile
from portal.lab.jobs.models import Call, GenerationJob
from portal.lab.presets.domain.saving import save_preset
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from portal.platform.mailbox.backend import MailboxBackend
from portal.platform.notices.domain.sending import send_due
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.batch_lines import write_request
from tests.factories.batches import advance, answer_jobs, make_batch
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory, beat
from tests.factories.keys import ApiKeyFactory
from tests.factories.renewals import hand_in
from tests.factories.teams import MemberFactory, TeamFactory
from tests.factories.vouching import VouchRequestFactory, ask
from tests.gate.access.conftest import TYPED

pytestmark = pytest.mark.django_db
NAME = "Quendolina Zwaluwstaart"
EMAIL = "q.zwaluwstaart@lab.example.org"
TEXT_TYPES = ["text", "character varying", "character", "json", "jsonb", "ARRAY", "bytea", "inet"]


TRACES = {
    "access_accountmerge.reason",
    "access_application.applicant_email",
    "access_application.draft",
    "access_denial.appeal",
    "access_denial.lift_note",
    "access_denial.reason",
    "access_grant.reason",
    "access_override.reason",
    "access_remark.text",
    "access_ruling.field_notes",
    "access_step.note",
    "access_submittedversion.answers",
    "accounts_user.email",
    "batches_batch.errors",
    "batches_batch.metadata",
    "batches_batch.model_name",
    "batches_batchrow.body",
    "batches_batchrow.custom_id",
    "batches_batchrow.result",
    "batches_filechunk.content",
    "batches_storedfile.filename",
    "jobs_call.idempotency_key",
    "jobs_call.request",
    "jobs_generationjob.failure_detail",
    "jobs_generationjob.logprobs",
    "jobs_generationjob.params",
    "jobs_generationjob.prompt",
    "jobs_generationjob.prompt_logprobs",
    "jobs_generationjob.text",
    "keys_apikey.name",
    "licensing_signature.legal_name",
    "mailbox_storedmail.body",
    "notices_notice.body",
    "presets_preset.name",
    "presets_preset.params",
    "teams_member.email",
    "teams_member.reason",
    "vouching_authoriseddomain.note",
    "vouching_vouchrequest.email",
    "vouching_vouchrequest.institution",
    "vouching_vouchrequest.name",
    "vouching_vouchrequest.text",
    "renewals_renewalstep.note",
    "renewals_report.incidents",
    "renewals_report.outputs",
    "renewals_report.progress",
    "renewals_statement.legal_name",
    "renewals_statement.remarks",
}
"""The columns in which the person must occur, or the tests below would prove nothing."""


def places_that_know(*needles: str) -> set[str]:
    """Every `table.column` of the database with a value that contains one of the needles."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = ANY(%s)",
            [TEXT_TYPES],
        )
        for table, column, data_type in cursor.fetchall():
            # As text, bytes would be hexadecimal digits, in which no name is found.
            text = "encode({}, 'escape')" if data_type == "bytea" else "{}::text"
            query = sql.SQL(
                "SELECT EXISTS (SELECT 1 FROM {} WHERE " + text + " ILIKE ANY(%s))"
            ).format(sql.Identifier(table), sql.Identifier(column))
            cursor.execute(query, [[f"%{needle}%" for needle in needles]])
            if cursor.fetchone()[0]:
                found.add(f"{table}.{column}")
    return found


@pytest.fixture
def person(client: Client, valkey: redis.Redis) -> User:
    """A person who has left every possible trace."""
    reviewer = UserFactory.create(is_reviewer=True)
    beat(valkey)
    model = HostedModelFactory.create(tier=Tier.ONE_REVIEWER)
    person = UserFactory.create(email=EMAIL, name=NAME)
    client.force_login(person)
    client.get("/models/")
    SocialAccount.objects.create(user=person, provider="orcid", uid="1", extra_data={"n": NAME})
    version = model.release.licence.versions.get()
    sign_licence(person, version=version, legal_name=NAME, capacity=Capacity.ENTITY,
                 entity_name=f"{NAME} BV", has_authority=True, ip="192.0.2.7")  # fmt: skip
    draft = open_draft(person)
    save_draft(draft, by=person, values={**TYPED, "intended_use": f"{NAME} asks."})
    submit_application(draft, by=person, answers=make_answers(model))
    notes = {"affiliation": f"Is {NAME} there?"}
    return_application(draft, by=reviewer, note=f"Dear {NAME}, say more.", field_notes=notes)
    GrantFactory.create(user=person, model=model, reason=f"{NAME} did it")
    GenerationJobFactory.create(user=person, model=model, succeeded=True, prompt=f"I am {NAME}.")
    stopping = SamplingParams(max_tokens=1, stop=(NAME,))
    save_preset(person, name=f"{NAME}'s preset", sampling=stopping)
    issue_key(person, name=f"{NAME}'s laptop", scopes=[KeyScope.COMPLETIONS])
    LogEntry.objects.create(
        user=reviewer, content_type=ContentType.objects.get_for_model(User), object_id=person.pk,
        object_repr=EMAIL, action_flag=CHANGE,
    )  # fmt: skip
    write_remark(
        draft, by=reviewer, text=f"{NAME} is new to me.", asked=UserFactory.create(is_reviewer=True)
    )
    step = Step.objects.filter(application=draft).last()
    assert step is not None
    Override.objects.create(step=step, codes=["country_review"], reason=f"{NAME} is cleared.")
    make_agreement(person.signatures.get())
    leave_traces_of_review(person, reviewer)
    leave_traces_of_renewal(person, reviewer)
    leave_traces_of_the_api(person, model, valkey)
    leave_traces_of_vouching(person, draft, reviewer)
    leave_traces_of_teams(person, reviewer)
    send_due()
    MailboxBackend().send_messages([EmailMessage("Hello", f"Dear {NAME}", to=[EMAIL])])
    return person


def leave_traces_of_review(person: User, reviewer: User) -> None:
    """A denial with its appeal, and two accounts that were merged into this one's."""
    ends_at = timezone.now() + timedelta(days=30)
    denial = deny(kind=DenialKind.PERSON, by=reviewer, person=person, reason=f"{NAME} shared it.",
                  ends_at=ends_at)  # fmt: skip
    appeal_denial(denial, by=person, text=f"I, {NAME}, did not.")
    lift_denial(denial, by=UserFactory.create(is_reviewer=True), note=f"Write to {EMAIL}.")
    deny(kind=DenialKind.DOMAIN, by=reviewer, value="shop.example.org", reason=f"{NAME}'s shop.",
         ends_at=ends_at)  # fmt: skip
    for number in range(2):
        merged = UserFactory.create(email=f"{number}.{EMAIL}", name=NAME)
        ApplicationFactory.create(applicant=merged, state=ApplicationState.REJECTED)
        merge_accounts(kept=person, merged=merged, by=reviewer, reason=f"Both are {NAME}.")


def leave_traces_of_renewal(person: User, reviewer: User) -> None:
    """A report that was returned, and a statement about weights."""
    ending = GrantFactory.create(user=person, ends_at=timezone.now() + timedelta(days=9))
    report = ReportAnswers(
        progress=f"{NAME} scored.", outputs=EMAIL, is_noncommercial=True, incidents=f"{NAME}: none"
    )
    renewal = hand_in([ending], answers=report)
    return_renewal(renewal, by=reviewer, note=f"Dear {NAME}, say more.")
    over = GrantFactory.create(
        user=person, state=GrantState.REVOKED, capabilities=[Capability.WEIGHTS]
    )
    stated = StatementAnswers(
        legal_name=NAME, destroyed_on=timezone.now().date(), remarks=f"Ask {EMAIL}."
    )
    state_destruction(over, by=person, answers=stated)


def leave_traces_of_the_api(person: User, model: HostedModel, valkey: redis.Redis) -> None:
    """A run with exact ids and log-probabilities, a batch that ended, and one under way."""
    key = ApiKeyFactory.create(user=person, name=NAME)
    request = {"model": model.slug, "stop": [NAME], "user": EMAIL}
    call = Call.objects.create(
        user=person, key=key, endpoint="/v1/completions", request=request, fingerprint="f" * 64,
        idempotency_key=f"{NAME}-1", created_at=timezone.now(),
    )  # fmt: skip
    logprobs = [{"token_id": 7, "text": NAME, "logprob": -0.5, "rank": 1, "top": []}]
    GenerationJobFactory.create(
        user=person, model=model, call=call, succeeded=True, prompt=NAME, text=NAME,
        prompt_token_ids=[11, 12, 13], logprobs=logprobs, prompt_logprobs=[None, *logprobs],
        params={"max_tokens": 4, "stop": [NAME], "bad_words": [EMAIL]}, failure_detail=NAME,
    )  # fmt: skip
    # One that its owner deleted earlier.
    GenerationJobFactory.create(
        user=person, model=model, succeeded=True, prompt="", text="", token_ids=[],
        params={"max_tokens": 4, "stop": [NAME]}, erased_at=timezone.now(),
    )  # fmt: skip
    lines = [write_request(f"{NAME} {n}", model=model.slug, stop=[NAME]) for n in range(2)]
    ended = make_batch(key, *lines)
    advance(ended)
    answer_jobs(valkey)
    assert advance(ended).status == BatchStatus.COMPLETED
    Batch.objects.filter(pk=ended.pk).update(metadata={"for": NAME})
    StoredFile.objects.filter(user=person).update(filename=f"{NAME}.jsonl")
    under_way = advance(make_batch(key, *lines))
    assert under_way.status == BatchStatus.IN_PROGRESS
    BatchRow.objects.filter(batch=under_way, line=2).update(result=f'{{"text": "{NAME}"}}')
    failed = make_batch(key, {"custom_id": NAME})
    assert advance(failed).status == BatchStatus.FAILED
    Batch.objects.filter(pk=failed.pk).update(model_name=NAME, errors=[{"message": NAME}])


def leave_traces_of_vouching(person: User, application: Application, reviewer: User) -> None:
    """A referee's answer about them, and their own answer about others, as an official."""
    about = VouchRequestFactory.create(application=application, name=f"{NAME}'s boss")
    ask(about)
    answer_request(about, answer=Answer.CONFIRM, text=f"{NAME} is good.")
    by = VouchRequestFactory.create(
        application=ApplicationFactory.create(), kind=VouchKind.OFFICIAL, name=NAME, email=EMAIL,
        institution=f"{NAME} Institute",
    )  # fmt: skip
    ask(by)
    answer_request(by, answer=Answer.CONFIRM, text=f"Ask {EMAIL}.", authorises_domain=True)
    entry = confirm_domain(by.domains.get(), by=reviewer)
    withdraw_domain(entry, by=reviewer, note=f"{NAME} left.")


def leave_traces_of_teams(person: User, reviewer: User) -> None:
    """A team that they were in, one that invites them, and their own."""
    for state in ("joined", "invited"):
        member = MemberFactory.create(
            team=TeamFactory.create(application=ApplicationFactory.create(state=ApplicationState.APPROVED)),
            user=person, email=EMAIL, reason=f"{NAME} left.",
        )  # fmt: skip
        if state == "invited":
            Member.objects.filter(pk=member.pk).update(state=state, user=None)
    own = TeamFactory.create(application=Application.objects.filter(applicant=person).latest("pk"))
    MemberFactory.create(team=own, email=f"friend.of.{EMAIL}")


def make_answers(model: HostedModel) -> Answers:
    values = {**TYPED, "intended_use": f"{NAME} asks.", "others_with_access": EMAIL}
    return Answers(**{**values, "models": (model,), "capabilities": (Capability.PLAYGROUND,)})


def test_no_column_of_any_table_knows_an_erased_person(person: User) -> None:
    assert places_that_know(NAME, EMAIL) >= TRACES
    erase_person(person, actor=None)
    assert places_that_know(NAME, EMAIL, "192.0.2.7", "0000-0002-1825-0097") == set()
    assert find_breaks() == []


def test_nothing_of_the_runs_and_files_is_left_but_their_counts(person: User) -> None:
    erase_person(person, actor=None)
    runs = GenerationJob.objects.filter(user=person)
    left = runs.values_list("prompt_token_ids", "token_ids", "logprobs", "prompt_logprobs")
    assert set(map(str, left)) == {"([], [], None, None)"}
    assert {row.params["max_tokens"] for row in runs} == {4, 16}
    assert set(Batch.objects.filter(user=person).values_list("status", flat=True)) == {
        BatchStatus.COMPLETED,
        BatchStatus.CANCELLED,
        BatchStatus.FAILED,
    }
    assert FileChunk.objects.count() == 0
    assert StoredFile.objects.filter(user=person, erased_at=None).count() == 0
    assert BatchRow.objects.filter(batch__user=person).count() == 4


def test_a_batch_that_was_under_way_writes_nothing_afterwards(person: User) -> None:
    erase_person(person, actor=None)
    advance_all()
    assert StoredFile.objects.filter(user=person, erased_at=None).count() == 0
    assert places_that_know(NAME, EMAIL) == set()


def read_agreement(person: User) -> str:
    """All text of the PDF of the person's signature, including its metadata."""
    reader = PdfReader(io.BytesIO(make_agreement(person.signatures.get()).content))
    metadata = [str(value) for value in (reader.metadata or {}).values()]
    return " ".join([*(page.extract_text() for page in reader.pages), *metadata])


def test_the_agreement_of_an_erased_person_names_a_number(person: User) -> None:
    before = read_agreement(person)
    assert (before.count(NAME), before.count(EMAIL)) == (2, 1)
    erase_person(person, actor=None)
    after = read_agreement(person)
    assert (after.count("Zwaluwstaart"), after.count("zwaluwstaart")) == (0, 0)
    assert after.count(f"person-{person.pk}") == 2


def test_what_happened_stays_under_a_number(person: User) -> None:
    erase_person(person, actor=None)
    person.refresh_from_db()
    name = f"person-{person.pk}"
    assert (person.name, person.is_active, person.has_usable_password()) == (name, False, False)
    signature = Signature.objects.get(user=person)
    assert (signature.legal_name, signature.ip) == (name, None)
    assert signature.text == signature.version.text
    assert set(Application.objects.filter(applicant=person).values_list("state", flat=True)) == {
        ApplicationState.WITHDRAWN,
        ApplicationState.APPROVED,
    }
    assert Renewal.objects.get(holder=person).state == RenewalState.WITHDRAWN
    assert GenerationJob.objects.filter(user=person, erased_at=None).count() == 0
    assert ApiKey.objects.filter(user=person, revoked_at=None).count() == 0
    assert UserSession.objects.filter(user=person).count() == 0


@pytest.mark.parametrize("role", ["is_reviewer", "is_auditor", "is_staff"])
def test_who_holds_a_role_is_not_erased(role: str) -> None:
    holder = UserFactory.create(**{role: True})
    with pytest.raises(DomainError) as refusal:
        erase_person(holder, actor=None)
    assert refusal.value.code == "holds_a_role"


@pytest.mark.parametrize(
    "change", ["legal_name = 'Somebody Else'", "sha256 = 'x'", "signed_at = now()"]
)
def test_a_signature_still_refuses_every_other_change(person: User, change: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE licensing_signature SET {change}")


def test_the_command_erases_only_when_it_is_confirmed(person: User) -> None:
    with pytest.raises(CommandError):
        call_command("erase_person", EMAIL)
    assert User.objects.filter(email=EMAIL).count() == 1
    call_command("erase_person", EMAIL, "--confirm", verbosity=0)
    assert User.objects.filter(email=EMAIL).count() == 0


def test_a_short_name_erases_no_words_that_hold_it() -> None:
    person, other = UserFactory.create(name="Li"), UserFactory.create()
    ends_at = timezone.now() + timedelta(days=30)
    reviewer = UserFactory.create(is_reviewer=True)
    reasons = ("Clients of a shop.", "Li shared it.")
    for subject, reason in zip((other, UserFactory.create()), reasons, strict=True):
        deny(kind=DenialKind.PERSON, by=reviewer, person=subject, reason=reason, ends_at=ends_at)
    erase_person(person, actor=None)
    left = Denial.objects.order_by("pk").values_list("reason", flat=True)
    assert list(left) == ["Clients of a shop.", "erased"]


def test_who_reviewed_once_is_erased_from_what_was_handed_over() -> None:
    once, giver = (
        UserFactory.create(is_reviewer=True, name=NAME),
        UserFactory.create(is_reviewer=True),
    )
    application = ApplicationFactory.create()
    claim_application(application, by=giver)
    hand_over_application(application, by=giver, to=once, note="Holiday.")
    User.objects.filter(pk=once.pk).update(is_reviewer=False)
    erase_person(User.objects.get(pk=once.pk), actor=None)
    assert places_that_know(NAME) == set()


def test_accounts_that_were_merged_are_erased_with_the_kept_one(person: User) -> None:
    erase_person(person, actor=None)
    merged = User.objects.filter(merged_into__kept=person)
    assert [user.name for user in merged] == [f"person-{user.pk}" for user in merged]
    assert AuditEvent.objects.filter(tag=AuditTag.PERSON_ERASED).count() == 1 + len(merged)


def test_a_merge_puts_no_free_text_into_the_log(person: User) -> None:
    merges = AuditEvent.objects.filter(tag=AuditTag.ACCOUNTS_MERGED)
    assert [set(event.data) for event in merges] == [{"merged"}, {"merged"}]
