"""Several runs from one click: all or none, also beyond the limit of runs at a time."""

from __future__ import annotations

import pytest
import redis
from pytest_django import Settings

from inference_workers.contract import SamplingParams
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.acceptance import SetRefused
from portal.lab.jobs.domain.admission import AccessRefused, Run
from portal.lab.jobs.domain.sets import RunOn, submit_samples, submit_set
from portal.lab.jobs.models import GenerationJob
from portal.lab.quota.models import Reservation
from portal.platform.accounts.models import User
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from tests.factories.access import GrantFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory, beat, make_researcher
from tests.lab.jobs.conftest import queued_messages

pytestmark = pytest.mark.django_db(transaction=True)
PARAMS = SamplingParams(max_tokens=16, seed=2**63 - 1)


def sample(user: User, model: HostedModel, n: int, params: SamplingParams = PARAMS) -> list[int]:
    """Submit, and return the seeds."""
    jobs = submit_samples(user, model=model, prompt="Once", sampling=params, n=n)
    return [job.params["seed"] for job in jobs]


def test_samples_have_the_seeds_of_the_api(valkey: redis.Redis) -> None:
    user, model = make_researcher()

    assert sample(user, model, 3) == [2**63 - 1, 1_000_002, 2_000_005]


def test_samples_without_a_seed_have_none(valkey: redis.Redis) -> None:
    user, model = make_researcher()

    assert sample(user, model, 2, SamplingParams(max_tokens=16)) == [None, None]


def test_a_set_may_exceed_the_limit_that_the_next_one_meets(
    valkey: redis.Redis, settings: Settings
) -> None:
    """All are recorded and reserved; as many are sent as the person's turn allows."""
    settings.JOBS_PER_USER = 4
    user, model = make_researcher()
    beat(valkey, max_num_seqs=4)

    sample(user, model, 16)

    assert GenerationJob.objects.count() == Reservation.objects.count() == 16
    assert AuditEvent.objects.filter(tag=AuditTag.JOB_SUBMITTED).count() == 16
    sent = GenerationJob.objects.filter(sent_at__isnull=False).count()
    assert 0 < sent == len(queued_messages(valkey)) < 16
    with pytest.raises(DomainError) as refused:
        sample(user, model, 2)
    assert refused.value.code == "too_many_jobs"


def test_a_set_on_several_models_is_one_action(valkey: redis.Redis, settings: Settings) -> None:
    settings.JOBS_PER_USER = 1
    user, model = make_researcher()
    other = HostedModelFactory.create(release=model.release, deployment="other")
    GrantFactory.create(user=user, model=other)
    GenerationJobFactory.create(model=model, succeeded=True)

    jobs = submit_set(user, [RunOn(each, Run(PARAMS, "Once")) for each in (model, other, model)])

    assert [job.model for job in jobs] == [model, other, model]


def test_a_refusal_of_one_names_it_and_leaves_nothing(
    valkey: redis.Redis, settings: Settings
) -> None:
    """17 tokens each at most, while the tokenizer is unknown: 4 bytes, one more, and 16."""
    settings.DAILY_TOKEN_QUOTA = 50
    user, model = make_researcher()

    with pytest.raises(SetRefused) as refused:
        submit_set(user, [RunOn(model, Run(PARAMS, "Once"))] * 3)

    assert (refused.value.place, refused.value.code) == (2, "quota_exceeded")
    assert (GenerationJob.objects.count(), Reservation.objects.count()) == (0, 0)
    assert queued_messages(valkey) == []


def test_a_closed_model_refuses_with_its_next_step(valkey: redis.Redis) -> None:
    user, model = make_researcher()
    runs = [RunOn(each, Run(PARAMS, "Once")) for each in (model, HostedModelFactory.create())]

    with pytest.raises(SetRefused) as refused:
        submit_set(user, runs)

    assert refused.value.place == 1
    assert isinstance(refused.value.refusal, AccessRefused)


@pytest.mark.parametrize("n", [0, 17])
def test_between_one_and_sixteen_samples(valkey: redis.Redis, n: int) -> None:
    user, model = make_researcher()

    with pytest.raises(DomainError) as refused:
        sample(user, model, n)

    assert (refused.value.field, GenerationJob.objects.count()) == ("n", 0)
