"""Erasing a person: what happened stays, under a number; who it was does not."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q

from portal.access.domain.applications import withdraw_application
from portal.access.enums import OPEN_STATES
from portal.access.models import Application, Grant, Step
from portal.accounts.models import User
from portal.audit.domain.record import record
from portal.audit.enums import AuditTag
from portal.core.errors import DomainError
from portal.jobs.domain.lifecycle import erase_job
from portal.jobs.models import LARGE_FIELDS, GenerationJob
from portal.keys.domain.lifecycle import revoke_keys_of_closed_account
from portal.keys.models import ApiKey
from portal.licensing.models import Signature
from portal.mailbox.models import StoredMail
from portal.notices.models import MailPreference, Notice

ERASED = "erased"


def pseudonym(user_id: int) -> str:
    """What stands for an erased person's name; the audit log knows them by the same number."""
    return f"person-{user_id}"


def erase_person(person: User, *, actor: User | None) -> None:
    """Erase the person's name, addresses, texts and ways to sign in, for good and at once.

    Applications, grants, signatures, runs and audit events stay under the account's number;
    the account is closed, its keys revoked, open applications withdrawn. Raises `DomainError`
    with code `holds_a_role` for reviewers, auditors and operators, whose decisions name them:
    take the role away first.
    """
    if person.is_reviewer or person.is_auditor or person.is_staff:
        raise DomainError(
            "holds_a_role", "This person holds a role here. Take it away first, then erase."
        )
    # Outside of the one transaction below: each stops a run that may be under way.
    for job in GenerationJob.objects.filter(user=person, erased_at=None).defer(*LARGE_FIELDS):
        erase_job(job, actor=actor)
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=person.pk)
        name, email = locked.name, locked.email
        _close_applications(locked)
        revoke_keys_of_closed_account(locked)
        _erase_sign_in(locked)
        _erase_case_texts(locked)
        _erase_messages(locked, name=name, email=email)
        _erase_account(locked)
        record(AuditTag.PERSON_ERASED, actor=actor, subject=f"user:{locked.pk}")


def _close_applications(person: User) -> None:
    for application in Application.objects.filter(applicant=person, state__in=OPEN_STATES):
        withdraw_application(application, by=person)


def _erase_sign_in(person: User) -> None:
    keys = UserSession.objects.filter(user=person).values_list("session_key", flat=True)
    Session.objects.filter(session_key__in=list(keys)).delete()
    for model in (UserSession, EmailAddress, Authenticator, SocialAccount, MailPreference):
        model.objects.filter(user=person).delete()
    ApiKey.objects.filter(user=person).update(name=ERASED)


def _erase_case_texts(person: User) -> None:
    name = pseudonym(person.pk)
    cases = Application.objects.filter(applicant=person)
    cases.update(
        draft={}, orcid="", is_orcid_verified=False, homepage="", position="",
        data_handling="", others_with_access="",
    )  # fmt: skip
    cases.exclude(submitted_at=None).update(
        applicant_name=name,
        applicant_email=f"{name}@erased.invalid",
        affiliation=ERASED,
        intended_use=ERASED,
    )
    Step.objects.filter(application__applicant=person).update(note="")
    Grant.objects.filter(user=person).update(reason="")
    for signature in Signature.objects.filter(user=person):
        Signature.objects.filter(pk=signature.pk).update(
            legal_name=name,
            email=f"{name}@erased.invalid",
            entity_name=ERASED if signature.entity_name else "",
            ip=None,
        )


def _erase_messages(person: User, *, name: str, email: str) -> None:
    cases = Application.objects.filter(applicant=person).values_list("case_number", flat=True)
    about = [f"application:{case}" for case in cases]
    Notice.objects.filter(Q(recipient=person) | Q(about__in=about)).delete()
    Notice.objects.filter(address__iexact=email).delete()
    named = Q(body__icontains=email) | Q(subject__icontains=email)
    if name:
        named |= Q(body__icontains=name) | Q(subject__icontains=name)
    StoredMail.objects.filter(Q(to__iexact=email) | named).delete()
    logged = Q(object_repr__icontains=email) | Q(change_message__icontains=email)
    if name:
        logged |= Q(object_repr__icontains=name) | Q(change_message__icontains=name)
    LogEntry.objects.filter(logged).update(object_repr=pseudonym(person.pk), change_message="")


def _erase_account(person: User) -> None:
    name = pseudonym(person.pk)
    person.email, person.name = f"{name}@erased.invalid", name
    person.is_active = False
    person.last_login = None
    person.set_unusable_password()
    person.save()
