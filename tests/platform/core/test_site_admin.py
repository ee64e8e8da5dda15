"""Every table of the admin, whichever app it belongs to."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.gate.access.domain.demo import seed_demo
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.enums import Origin
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.site_admin import ReadOnlyAdmin
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory

pytestmark = pytest.mark.django_db

READ_ONLY = sorted(
    (model for model, page in admin.site._registry.items() if isinstance(page, ReadOnlyAdmin)),
    key=lambda model: model._meta.label,
)
WRITABLE = {
    "catalog.HostedModel": {"change"},
    "licensing.LicenceVersion": {"add"},
}
SECRET = "the prompt of somebody who trusts us"


@pytest.fixture
def operator(client: Client) -> Client:
    HostedModelFactory.create()
    seed_demo()
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    return client


def url(model: type[Model], page: str, *args: object) -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


def job_of_somebody() -> GenerationJob:
    now = timezone.now()
    return GenerationJob.objects.create(
        user=UserFactory.create(),
        model=HostedModel.objects.get(),
        deployment="smollm2-135m",
        origin=Origin.PLAYGROUND,
        prompt=SECRET,
        text=SECRET,
        params={"max_tokens": 1, "stop": [SECRET]},
        logprobs=[[SECRET]],
        prompt_logprobs=[[SECRET]],
        created_at=now,
        deadline_at=now,
    )


def test_every_table_of_the_portal_is_in_the_admin() -> None:
    assert [model._meta.label for model in READ_ONLY] == [
        "access.Absence",
        "access.AccountMerge",
        "access.Application",
        "access.Denial",
        "access.Endorsement",
        "access.Grant",
        "access.Ruling",
        "access.Step",
        "access.SubmittedVersion",
        "audit.AuditEvent",
        "batches.Batch",
        "batches.StoredFile",
        "catalog.HostedModel",
        "catalog.Release",
        "jobs.Call",
        "jobs.GenerationJob",
        "keys.ApiKey",
        "licensing.Licence",
        "licensing.LicenceVersion",
        "licensing.Signature",
        "renewals.Renewal",
        "renewals.RenewalStep",
        "renewals.Report",
        "renewals.Statement",
        "usage.Reservation",
    ]


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model._meta.label)
def test_rows_are_shown_and_changed_by_nobody(operator: Client, model: type[Model]) -> None:
    allowed = WRITABLE.get(model._meta.label, set())
    row = model._default_manager.order_by("pk").first()

    assert operator.get(url(model, "changelist")).status_code == 200
    assert (operator.get(url(model, "add")).status_code == 200) == ("add" in allowed)
    if row is None:
        assert model._meta.label in {
            "access.Absence",
            "access.AccountMerge",
            "access.Denial",
            "access.Endorsement",
            "batches.Batch",
            "batches.StoredFile",
            "jobs.Call",
            "jobs.GenerationJob",
            "keys.ApiKey",
            "renewals.Renewal",
            "renewals.RenewalStep",
            "renewals.Report",
            "renewals.Statement",
            "usage.Reservation",
        }
        return
    change = url(model, "change", row.pk)
    assert operator.get(change).status_code == 200
    assert (operator.post(change, {}).status_code != 403) == ("change" in allowed)
    assert operator.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_prompts_and_outputs_stay_private(operator: Client) -> None:
    job = job_of_somebody()

    for path in (url(GenerationJob, "changelist"), url(GenerationJob, "change", job.pk)):
        page = operator.get(path)
        assert page.status_code == 200
        assert page.content.decode().count(SECRET) == 0
        assert page.content.decode().count(str(job.pk)) >= 1
