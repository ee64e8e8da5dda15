from __future__ import annotations

from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount

from portal.gate.access.domain.process.applications import (
    Answers,
    open_draft,
    submit_application,
    withdraw_application,
)
from portal.gate.access.domain.process.drafts import save_draft
from portal.gate.access.enums import ApplicationState, Command
from portal.gate.access.models import Application
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError, LostRace
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory

AnswersMaker = Callable[..., Answers]
pytestmark = pytest.mark.django_db


def test_opening_twice_gives_the_same_draft() -> None:
    user = UserFactory.create()
    assert open_draft(user) == open_draft(user)


def test_case_numbers_name_the_year_and_never_repeat() -> None:
    first, second = (open_draft(UserFactory.create()) for _ in range(2))
    prefix, year, number = first.case_number.split("-")
    assert (prefix, year) == ("GH", f"{first.created_at:%Y}")
    assert second.case_number == f"GH-{year}-{int(number) + 1:04d}"


def test_a_new_application_begins_with_the_last_answers() -> None:
    user = UserFactory.create()
    ApplicationFactory.create(
        applicant=user, state=ApplicationState.REJECTED, draft={"affiliation": "Typed before"}
    )
    assert open_draft(user).draft == {"affiliation": "Typed before"}


def test_a_waiting_application_is_not_edited() -> None:
    application = ApplicationFactory.create()
    with pytest.raises(DomainError) as refusal:
        open_draft(application.applicant)
    assert refusal.value.code == "application_pending"


def test_a_draft_keeps_what_is_invalid_and_only_what_was_sent() -> None:
    user = UserFactory.create()
    draft = open_draft(user)
    save_draft(draft, by=user, values={"orcid": "0000-00", "affiliation": "A" * 900})
    save_draft(draft, by=user, values={"orcid": "nonsense\0", "not_a_field": "x"})
    draft.refresh_from_db()
    assert draft.draft == {"orcid": "nonsense", "affiliation": "A" * 900}


def test_nobody_writes_into_the_draft_of_another() -> None:
    draft = open_draft(UserFactory.create())
    with pytest.raises(DomainError) as refusal:
        save_draft(draft, by=UserFactory.create(), values={"orcid": "x"})
    assert refusal.value.code == "not_your_application"


def test_saving_after_submitting_in_another_tab_says_so(
    signed_applicant: User, answers: AnswersMaker
) -> None:
    draft = open_draft(signed_applicant)
    submit_application(Application.objects.get(pk=draft.pk), by=signed_applicant, answers=answers())
    with pytest.raises(LostRace) as lost:
        save_draft(draft, by=signed_applicant, values={"orcid": "x"})
    assert lost.value.message.startswith(
        "Nothing was changed. This application is now “waiting for review”: submitted by you on "
    )


def test_submitting_freezes_the_identity_of_the_account(
    signed_applicant: User, answers: AnswersMaker
) -> None:
    draft = open_draft(signed_applicant)
    submit_application(draft, by=signed_applicant, answers=answers())
    frozen = (signed_applicant.name, signed_applicant.email)
    signed_applicant.name, signed_applicant.email = "Another Name", "other@example.org"
    signed_applicant.save()
    draft.refresh_from_db()
    assert (draft.applicant_name, draft.applicant_email) == frozen
    assert (draft.orcid, draft.is_orcid_verified) == ("0000-0002-1825-0097", False)


def test_an_orcid_that_orcid_confirmed_goes_before_one_that_was_typed(
    signed_applicant: User, answers: AnswersMaker
) -> None:
    SocialAccount.objects.create(user=signed_applicant, provider="orcid", uid="0000-0002-1694-233X")
    draft = open_draft(signed_applicant)
    submit_application(draft, by=signed_applicant, answers=answers())
    draft.refresh_from_db()
    assert (draft.orcid, draft.is_orcid_verified) == ("0000-0002-1694-233X", True)


def test_submitting_keeps_the_answers_and_leaves_a_step_and_an_event(
    signed_applicant: User, answers: AnswersMaker, model: HostedModel
) -> None:
    draft = open_draft(signed_applicant)
    step = submit_application(draft, by=signed_applicant, answers=answers())
    draft.refresh_from_db()
    assert draft.state == ApplicationState.SUBMITTED
    assert list(draft.models_wanted.all()) == [model]
    assert draft.capabilities == ["playground", "api"]
    assert (step.command, step.actor) == (Command.SUBMIT, signed_applicant)
    event = AuditEvent.objects.get()
    assert (event.tag, event.subject) == (
        "access.application.submitted",
        f"application:{draft.case_number}",
    )
    assert event.data == {
        "from": "draft",
        "to": "submitted",
        "step": step.pk,
        "models": [model.slug],
        "capabilities": ["api", "playground"],
    }


def test_submitting_needs_a_confirmed_address(
    signed_applicant: User, answers: AnswersMaker
) -> None:
    EmailAddress.objects.filter(user=signed_applicant).update(verified=False)
    draft = open_draft(signed_applicant)
    with pytest.raises(DomainError) as refusal:
        submit_application(draft, by=signed_applicant, answers=answers())
    assert (refusal.value.code, refusal.value.next_url) == ("email_unverified", "/account/email/")


def test_submitting_needs_the_licence_of_every_model(
    model: HostedModel, answers: AnswersMaker
) -> None:
    user = UserFactory.create()
    draft = open_draft(user)
    with pytest.raises(DomainError) as refusal:
        submit_application(draft, by=user, answers=answers())
    slug = model.release.licence.slug
    assert (refusal.value.code, refusal.value.next_url) == (
        "licence_unsigned",
        f"/licence/{slug}/sign/",
    )
    draft.refresh_from_db()
    assert (draft.state, draft.steps.count()) == (ApplicationState.DRAFT, 0)


def test_withdrawing_makes_room_for_a_new_application() -> None:
    application = ApplicationFactory.create()
    withdraw_application(application, by=application.applicant)
    assert application.state == ApplicationState.WITHDRAWN
    assert open_draft(application.applicant) != application
