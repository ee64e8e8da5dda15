from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.audit.models import AuditEvent
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    return UserFactory.create(is_staff=True, is_superuser=True)


@pytest.fixture
def admin(client: Client, operator: User) -> Client:
    client.force_login(operator)
    return client


def change_url(model: HostedModel) -> str:
    return reverse("admin:catalog_hostedmodel_change", args=[model.pk])


def test_switching_a_model_off_is_recorded_with_what_it_was(admin: Client, operator: User) -> None:
    model = HostedModelFactory.create(slug="tiny", deployment="tiny")

    response = admin.post(
        change_url(model), {"status": "not_loaded", "deployment": "", "tier": "signature"}
    )

    assert response.status_code == 302
    model.refresh_from_db()
    assert (model.status, model.deployment, model.tier) == ("not_loaded", "", "signature")
    event = AuditEvent.objects.get()
    assert (event.actor, event.tag, event.subject) == (
        operator,
        "catalog.model.changed",
        "model:tiny",
    )
    assert event.data == {
        "before": {"status": "live", "deployment": "tiny", "tier": "one_reviewer"},
        "after": {"status": "not_loaded", "deployment": "", "tier": "signature"},
    }


def test_saving_without_a_change_records_nothing(admin: Client) -> None:
    model = HostedModelFactory.create()

    admin.post(
        change_url(model),
        {"status": model.status, "deployment": model.deployment, "tier": model.tier},
    )

    assert AuditEvent.objects.count() == 0


def test_a_live_model_without_a_deployment_is_refused_at_its_field(admin: Client) -> None:
    model = HostedModelFactory.create(not_loaded=True)

    response = admin.post(
        change_url(model), {"status": "live", "deployment": "", "tier": "signature"}
    )

    assert response.status_code == 200
    assert response.context["adminform"].form.errors == {
        "deployment": ["A live model needs the name of its deployment in models.toml."]
    }


def test_facts_of_the_folder_cannot_be_edited(admin: Client) -> None:
    model = HostedModelFactory.create(layers=30)

    admin.post(
        change_url(model),
        {"status": "live", "deployment": "x", "tier": "signature", "layers": "31"},
    )

    model.refresh_from_db()
    assert (model.deployment, model.layers) == ("x", 30)


@pytest.mark.parametrize(
    "name", ["catalog_release", "catalog_hostedmodel", "licensing_licence", "licensing_signature"]
)
def test_nothing_is_added_by_hand_that_comes_from_elsewhere(admin: Client, name: str) -> None:
    assert admin.get(reverse(f"admin:{name}_add")).status_code == 403
    assert admin.get(reverse(f"admin:{name}_changelist")).status_code == 200
