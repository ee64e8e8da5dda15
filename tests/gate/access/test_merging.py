from __future__ import annotations

import pytest
from django.test import Client

from portal.gate.access.domain.desk.dossier import gather_dossier
from portal.gate.access.domain.desk.merging import accounts_of, merge_accounts
from portal.gate.access.enums import ApplicationState
from portal.gate.access.models import AccountMerge
from portal.platform.accounts.models import User
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError, LostRace
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.licensing import SignatureFactory

pytestmark = pytest.mark.django_db


def merge(kept: User, merged: User, by: User) -> AccountMerge:
    return merge_accounts(kept=kept, merged=merged, by=by, reason="The same ORCID iD.")


def test_the_merged_account_is_closed_and_its_past_stands_beside_the_kept_one(
    reviewer: User, client: Client
) -> None:
    kept, merged = UserFactory.create_batch(2)
    past = ApplicationFactory.create(applicant=merged, state=ApplicationState.REJECTED)
    signature = SignatureFactory.create(user=merged)
    client.force_login(merged)
    merge(kept, merged, reviewer)
    merged.refresh_from_db()
    assert not merged.is_active
    assert client.get("/access/")["Location"] == "/account/login/?next=/access/"
    dossier = gather_dossier(ApplicationFactory.create(applicant=kept))
    assert (dossier.earlier, dossier.signatures) == ((past,), (signature,))
    event = AuditEvent.objects.get()
    assert (event.tag, event.subject, event.data["merged"]) == (
        "access.accounts.merged",
        f"user:{kept.pk}",
        merged.pk,
    )


def test_merges_are_followed_to_the_first_account(reviewer: User) -> None:
    first, second, third = UserFactory.create_batch(3)
    merge(second, third, reviewer)
    merge(first, second, reviewer)
    assert accounts_of(first) == [first.pk, second.pk, third.pk]
    with pytest.raises(LostRace):
        merge(first, third, reviewer)


def test_an_account_in_use_is_not_closed(reviewer: User) -> None:
    kept = UserFactory.create()
    applies = ApplicationFactory.create().applicant
    uses = GrantFactory.create().user
    for merged in (applies, uses):
        with pytest.raises(DomainError) as refusal:
            merge(kept, merged, reviewer)
        assert refusal.value.code == "account_in_use"
        merged.refresh_from_db()
        assert merged.is_active


def test_nobody_merges_themselves_or_closes_a_colleague(reviewer: User) -> None:
    other = UserFactory.create()
    codes = []
    for kept, merged in (
        (reviewer, other),
        (other, reviewer),
        (other, UserFactory.create(is_reviewer=True)),
        (other, UserFactory.create(is_staff=True)),
    ):
        with pytest.raises(DomainError) as refusal:
            merge(kept, merged, reviewer)
        codes.append(refusal.value.code)
    assert codes == ["own_person", "own_person", "staff_account", "staff_account"]
    with pytest.raises(DomainError) as stranger:
        merge(other, UserFactory.create(), UserFactory.create())
    assert stranger.value.code == "reviewers_only"


def test_it_is_done_from_the_application_that_points_it_out(reviewer: User, client: Client) -> None:
    kept = UserFactory.create(name="Ada Byron", email="ada@uni.example")
    merged = UserFactory.create(name="Byron, Ada", email="a.byron@uni.example")
    application = ApplicationFactory.create(applicant=kept)
    client.force_login(reviewer)
    page = client.get(f"/console/applications/{application.case_number}/")
    (likeness,) = page.context["dossier"].likenesses
    assert likeness.user == merged
    url = f"/console/applications/{application.case_number}/merge/{merged.pk}/"
    assert client.get(url).status_code == 200
    assert client.post(url, {"reason": ""}).status_code == 422
    assert client.post(url, {"reason": "They wrote so."}).status_code == 302
    assert AccountMerge.objects.get().merged == merged
