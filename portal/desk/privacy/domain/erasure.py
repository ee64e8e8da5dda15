"""Erasing a person: records of events remain under a number, without the identity."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.desk.privacy.enums import PENDING_STATES, ErasureState
from portal.desk.privacy.models import ErasureRequest
from portal.gate.access.domain.desk.merging import accounts_of
from portal.gate.access.domain.erasure import ERASED, close_applications, erase_cases, erase_remarks
from portal.gate.access.models import Application
from portal.gate.keys.domain.lifecycle import revoke_keys_of_closed_account
from portal.gate.keys.models import ApiKey, DeviceLogin
from portal.gate.licensing.models import Signature
from portal.gate.renewals.domain.erasure import close_renewal, erase_reports, subjects_of
from portal.gate.teams.domain.erasure import erase_member
from portal.gate.vouching.domain.erasure import erase_person_from_vouches
from portal.lab.batches.domain.erasure import erase_batches
from portal.lab.jobs.domain.erasure import erase_runs
from portal.lab.notebook.domain.erasure import erase_notebook
from portal.lab.presets.domain.saving import erase_presets
from portal.library.weights.domain.erasure import erase_tools
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode
from portal.platform.mailbox.models import StoredMail
from portal.platform.notices.models import MailPreference, Notice


def pseudonym(user_id: int) -> str:
    """The replacement for an erased person's name; the audit log uses the same number."""
    return f"person-{user_id}"


def erased_address(user_id: int) -> str:
    """The replacement for an erased person's address; it cannot receive mail."""
    return f"{pseudonym(user_id)}@erased.invalid"


def erase_person(person: User, *, actor: User | None) -> None:
    """Erase the person's name, addresses, texts and ways to sign in, immediately and for good.

    Accounts that were merged into this one are erased too. Applications, grants, signatures,
    runs, downloads and audit events remain under the account's number. The account is closed,
    its keys are revoked, open applications withdrawn and batches ended. Raises `DomainError`
    with code `holds_a_role` for reviewers, auditors and operators, whose decisions name them:
    remove the role first. To finish an interrupted erasure, call this again.
    """
    accounts = list(User.objects.filter(pk__in=accounts_of(person)).order_by("pk"))
    if any(account.is_reviewer or account.is_auditor or account.is_staff for account in accounts):
        raise DomainError(
            RefusalCode.HOLDS_A_ROLE,
            "This person holds a role here. Remove the role first, then erase.",
        )
    # The given account comes last: until it is erased, the erasure can be called again.
    for account in sorted(accounts, key=lambda account: account.pk == person.pk):
        _erase_account_whole(account, actor=actor)


def _erase_account_whole(account: User, *, actor: User | None) -> None:
    # Closed first, so that nothing new is added while the rest is erased.
    User.objects.filter(pk=account.pk).update(is_active=False)
    revoke_keys_of_closed_account(account)
    erase_batches(account, actor=actor)
    # Outside the transaction below: each call stops a run that may be in progress.
    erase_runs(account, actor=actor)
    erase_notebook(account)
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=account.pk)
        name, email = locked.name, locked.email
        erase_presets(locked)
        erase_member(locked)
        erase_person_from_vouches(locked, actor=actor)
        close_applications(locked)
        close_renewal(locked)
        _erase_sign_in(locked)
        erase_cases(
            Application.objects.filter(applicant=locked),
            as_name=pseudonym(locked.pk),
            as_email=erased_address(locked.pk),
        )
        erase_reports(locked, as_name=pseudonym(locked.pk))
        erase_remarks(locked, name=name, email=email)
        erase_tools(locked)
        _erase_signatures(locked)
        _erase_messages(locked, name=name, email=email)
        _erase_account(locked)
        _end_request(locked)
        record(AuditTag.PERSON_ERASED, actor=actor, subject=f"user:{locked.pk}")


def _erase_sign_in(person: User) -> None:
    keys = UserSession.objects.filter(user=person).values_list("session_key", flat=True)
    Session.objects.filter(session_key__in=list(keys)).delete()
    own = (UserSession, EmailAddress, Authenticator, SocialAccount, MailPreference, DeviceLogin)
    for model in own:
        model.objects.filter(user=person).delete()
    ApiKey.objects.filter(user=person).update(name=ERASED)


def _erase_signatures(person: User) -> None:
    for signature in Signature.objects.filter(user=person):
        Signature.objects.filter(pk=signature.pk).update(
            legal_name=pseudonym(person.pk),
            email=erased_address(person.pk),
            entity_name=ERASED if signature.entity_name else "",
            ip=None,
        )


def _erase_messages(person: User, *, name: str, email: str) -> None:
    cases = Application.objects.filter(applicant=person).values_list("case_number", flat=True)
    about = [f"application:{case}" for case in cases]
    about += subjects_of(person)
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


def _end_request(person: User) -> None:
    pending = ErasureRequest.objects.filter(person=person, state__in=PENDING_STATES)
    pending.update(state=ErasureState.CARRIED_OUT, ended_at=timezone.now())


def _erase_account(person: User) -> None:
    person.email, person.name = erased_address(person.pk), pseudonym(person.pk)
    person.is_active = False
    person.last_login = None
    person.set_unusable_password()
    person.save()
