"""What is accepted, what is refused, and that refusals leave nothing behind."""

from __future__ import annotations

import base64
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.db import connection
from pytest_django import Settings
from tokenizers import Tokenizer, models, pre_tokenizers

from inference_workers.contract import GenerationRequest, SamplingParams, tokenizer_key
from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain import acceptance
from portal.lab.jobs.domain.admission import AccessRefused
from portal.lab.jobs.domain.fairness import Held, Running
from portal.lab.jobs.domain.load import Load, QueueLoad, read_load
from portal.lab.jobs.domain.submission import submit_job
from portal.lab.jobs.enums import JobClass, JobState, Origin
from portal.lab.jobs.models import GenerationJob
from portal.lab.quota.models import Reservation
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory, beat, make_researcher
from tests.factories.usage import reserve_tokens
from tests.lab.jobs.conftest import queued_messages
from tests.plugin import running_valkey

pytestmark = pytest.mark.django_db(transaction=True)
PARAMS = SamplingParams(max_tokens=16, temperature=0.333, stop=("\n\n",), seed=7)


def submit(
    user: User,
    model: HostedModel,
    prompt: str = "Once upon a time",
    sampling: SamplingParams = PARAMS,
) -> GenerationJob:
    return submit_job(user, model=model, prompt=prompt, sampling=sampling, origin=Origin.PLAYGROUND)


def publish_word_tokenizer(client: redis.Redis, deployment: str) -> None:
    """A tokenizer that makes one token of each word."""
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    client.set(tokenizer_key(deployment), tokenizer.to_str())


def test_submitting_writes_the_row_and_then_sends_the_message(valkey: redis.Redis) -> None:
    user, model = make_researcher()

    job = submit(user, model)

    row = GenerationJob.objects.get()
    assert (row.pk, row.state, row.deployment) == (job.pk, JobState.QUEUED, "smollm2-135m")
    (message,) = queued_messages(valkey)
    assert message["headers"]["id"] == f"{job.pk}:1"
    assert (message["headers"]["argsrepr"], message["headers"]["kwargsrepr"]) == (
        f"({job.pk})",
        "{}",
    )
    args, _, _ = json.loads(base64.b64decode(message["body"]))
    request = GenerationRequest.model_validate(args[0])
    assert (request.job_id, request.prompt, request.sampling) == (job.pk, job.prompt, PARAMS)
    assert Reservation.objects.get().job == job.pk
    assert list(AuditEvent.objects.values_list("tag", "subject")) == [
        ("jobs.job.submitted", f"job:{job.pk}")
    ]


def test_prompts_stay_out_of_the_audit_log(valkey: redis.Redis) -> None:
    user, model = make_researcher()

    submit(user, model, prompt="a very secret prompt")

    assert "secret" not in json.dumps(list(AuditEvent.objects.values_list("data", flat=True)))


def test_the_load_is_ones_own_runs_and_those_of_the_deployment(valkey: redis.Redis) -> None:
    user, model = make_researcher()
    elsewhere = HostedModelFactory.create(deployment="elsewhere")
    GenerationJobFactory.create(user=user, model=elsewhere)
    GenerationJobFactory.create(user=user, model=elsewhere, job_class=JobClass.API)
    GenerationJobFactory.create(user=user, model=model, succeeded=True)
    other = GenerationJobFactory.create(model=model, running=True)
    batch = GenerationJobFactory.create(model=model, job_class=JobClass.BATCH)
    api = GenerationJobFactory.create(model=model, job_class=JobClass.API, held_back=True)
    GenerationJobFactory.create(model=elsewhere, job_class=JobClass.API)

    assert read_load([user.pk], [model.deployment]) == Load(
        own=Counter({user.pk: 1}),
        queues={
            model.deployment: QueueLoad(
                waiting=Counter(
                    {(JobClass.BATCH, batch.user.pk): 1, (JobClass.API, api.user.pk): 1}
                ),
                held_back=1,
                sent=Held.by(
                    [
                        Running(other.user.pk, JobClass.INTERACTIVE),
                        Running(batch.user.pk, JobClass.BATCH),
                    ]
                ),
            )
        },
    )


def test_a_broker_that_is_away_does_not_refuse_the_job(valkey: redis.Redis) -> None:
    user, model = make_researcher()
    running_valkey().kill()

    job = submit(user, model)

    assert GenerationJob.objects.get().pk == job.pk
    running_valkey().start()


def test_whatever_becomes_of_the_message_the_run_is_accepted_once(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(acceptance, "send_generations", fail)
    user, model = make_researcher()

    job = submit(user, model)

    assert GenerationJob.objects.get() == job
    assert AuditEvent.objects.count() == 1
    assert queued_messages(valkey) == []


def test_without_access_nothing_is_queued(valkey: redis.Redis) -> None:
    user, model = make_researcher()
    Grant.objects.update(state=GrantState.REVOKED)

    with pytest.raises(AccessRefused) as refusal:
        submit(user, model)

    assert refusal.value.code == "revoked"
    assert refusal.value.decision.next_step is not None
    assert (GenerationJob.objects.count(), queued_messages(valkey)) == (0, [])


def test_an_offline_model_is_refused(valkey: redis.Redis) -> None:
    user, model = make_researcher(HostedModelFactory.create(not_loaded=True))

    with pytest.raises(DomainError) as refusal:
        submit(user, model)

    assert refusal.value.code == "model_offline"


@pytest.mark.parametrize(
    ("prompt", "sampling", "code", "field"),
    [
        ("", PARAMS, "invalid_value", "prompt"),
        ("nul \0", PARAMS, "invalid_value", "prompt"),
        ("half \ud800", PARAMS, "invalid_value", "prompt"),
        ("p", SamplingParams(max_tokens=1, stop=("x",) * 17), "invalid_value", "stop"),
        ("p", SamplingParams(max_tokens=1, stop=("",)), "invalid_value", "stop"),
        ("p", SamplingParams(max_tokens=2048), "context_length_exceeded", "max_tokens"),
        ("p " * 200_000, PARAMS, "context_length_exceeded", "prompt"),
    ],
)
def test_bad_values_are_refused_by_field(
    valkey: redis.Redis, prompt: str, sampling: SamplingParams, code: str, field: str
) -> None:
    user, model = make_researcher()

    with pytest.raises(DomainError) as refusal:
        submit(user, model, prompt=prompt, sampling=sampling)

    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert GenerationJob.objects.count() == 0


@pytest.mark.parametrize(
    ("words", "max_tokens", "field", "message"),
    [
        (2048, 1, "prompt", "Shorten the prompt by at least 1."),
        (
            2000,
            49,
            "max_tokens",
            (
                "The prompt is 2,000 tokens long; with max tokens 49 that is 2,049, more than the "
                "model's context of 2,048. Lower max tokens to 48, or shorten the prompt."
            ),
        ),
    ],
)
def test_a_run_past_the_context_is_refused_with_the_numbers(
    valkey: redis.Redis, words: int, max_tokens: int, field: str, message: str
) -> None:
    user, model = make_researcher()
    publish_word_tokenizer(valkey, model.deployment)

    with pytest.raises(DomainError) as refusal:
        submit(user, model, prompt="w " * words, sampling=SamplingParams(max_tokens=max_tokens))

    assert (refusal.value.code, refusal.value.field) == ("context_length_exceeded", field)
    assert refusal.value.message.endswith(message)


def test_a_run_that_just_fits_is_accepted(valkey: redis.Redis) -> None:
    user, model = make_researcher()
    publish_word_tokenizer(valkey, model.deployment)

    submit(user, model, prompt="w " * 2000, sampling=SamplingParams(max_tokens=48))

    assert Reservation.objects.get().reserved_tokens == 2048


def test_the_served_context_counts_when_it_is_shorter(valkey: redis.Redis) -> None:
    user, model = make_researcher()
    beat(valkey, max_model_len=100)

    with pytest.raises(DomainError) as refusal:
        submit(user, model, sampling=SamplingParams(max_tokens=100))

    assert "context of 100 tokens" in refusal.value.message


def test_without_a_tokenizer_the_engine_has_the_last_word(valkey: redis.Redis) -> None:
    user, model = make_researcher()

    job = submit(user, model, prompt="w " * 2000)

    assert job.state == JobState.QUEUED
    assert Reservation.objects.get().reserved_tokens == 2048


def test_too_many_runs_at_a_time_are_refused(valkey: redis.Redis, settings: Settings) -> None:
    settings.JOBS_PER_USER = 2
    user, model = make_researcher()
    GenerationJobFactory.create(user=user, model=model)
    GenerationJobFactory.create(user=user, model=model, running=True)
    GenerationJobFactory.create(user=user, model=model, succeeded=True)

    with pytest.raises(DomainError) as refusal:
        submit(user, model)

    assert refusal.value.code == "too_many_jobs"


def test_a_share_of_the_queue_that_is_full_is_refused(
    valkey: redis.Redis, settings: Settings
) -> None:
    settings.QUEUE_LIMIT = 3
    user, model = make_researcher()
    GenerationJobFactory.create(user=user, model=model)
    GenerationJobFactory.create(model=model)

    with pytest.raises(DomainError) as refusal:
        submit(user, model)

    assert refusal.value.code == "queue_full"
    assert refusal.value.message == (
        "With 1 of your runs already waiting for this model, 1 more would exceed your share of its "
        "queue, 1: all people who wait share its 3 places. Nothing is lost; try again in a minute."
    )


def test_the_runs_of_other_classes_take_no_place(valkey: redis.Redis, settings: Settings) -> None:
    settings.QUEUE_LIMIT = 2
    settings.JOBS_PER_USER = 2
    user, model = make_researcher()
    GenerationJobFactory.create(user=user, model=model)
    for job_class in (JobClass.API, JobClass.BATCH):
        GenerationJobFactory.create_batch(9, user=user, model=model, job_class=job_class)
        GenerationJobFactory.create(model=model, job_class=job_class)

    assert submit(user, model).state == JobState.QUEUED


def test_the_quota_is_refused_by_field(valkey: redis.Redis, settings: Settings) -> None:
    settings.DAILY_TOKEN_QUOTA = 20
    user, model = make_researcher()

    with pytest.raises(DomainError) as refusal:
        submit(user, model)

    assert (refusal.value.code, refusal.value.field) == ("quota_exceeded", "max_tokens")
    assert GenerationJob.objects.count() == 0


def test_two_submissions_at_once_do_not_both_pass_the_last_place(
    valkey: redis.Redis, settings: Settings
) -> None:
    settings.JOBS_PER_USER = 1
    user, model = make_researcher()

    def attempt(_: int) -> str:
        try:
            submit(user, model)
        except DomainError as error:
            return error.code
        finally:
            connection.close()
        return "accepted"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(attempt, range(4)))

    assert answers == ["accepted", "too_many_jobs", "too_many_jobs", "too_many_jobs"]


def test_a_crowd_is_taken_in_whole_but_for_who_has_nothing_left(
    valkey: redis.Redis, settings: Settings
) -> None:
    settings.DAILY_TOKEN_QUOTA = 100
    people = [
        make_researcher(HostedModelFactory.create(deployment="smollm2-135m")) for _ in range(12)
    ]
    poor, theirs = people[5]
    reserve_tokens(poor, model=theirs, tokens=99)

    def attempt(person: tuple[User, HostedModel]) -> str:
        try:
            submit(*person)
        except DomainError as error:
            return error.code
        finally:
            connection.close()
        return "accepted"

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(attempt, people))

    assert answers == ["accepted"] * 5 + ["quota_exceeded"] + ["accepted"] * 6
    jobs = GenerationJob.objects.all()
    assert {job.user_id for job in jobs} == {user.pk for user, _ in people} - {poor.pk}
    assert sorted(message["headers"]["id"] for message in queued_messages(valkey)) == sorted(
        f"{job.pk}:1" for job in jobs
    )
    assert Reservation.objects.count() == 12
    assert (AuditEvent.objects.count(), find_breaks()) == (11, [])
