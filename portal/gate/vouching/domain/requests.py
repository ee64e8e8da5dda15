"""Naming the people who speak for an applicant, and sending them their link."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from portal.gate.access.domain.screening.institutions import FREE_MAIL
from portal.gate.access.domain.workflow.commands import require_address, require_text
from portal.gate.access.domain.workflow.separation import domain_of, require_role
from portal.gate.access.enums import OPEN_STATES, REVIEW_STATES, Role
from portal.gate.access.models import Application
from portal.gate.vouching.enums import LIVE_STATES, RequestState, VouchKind
from portal.gate.vouching.models import VouchRequest
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.fingerprints import require_unchanged
from portal.platform.core.link_tokens import digest_token, make_token
from portal.platform.core.refusals import RefusalCode
from portal.platform.notices.domain.outbox import post, withdraw
from portal.platform.notices.models import Notice

LETTER_COMPOSER: Final = "vouching.letter"
ASK_KIND: Final = "vouching.ask"
LINK_LIFE: Final = timedelta(days=14)
MOST_LINKS: Final = 4
"""Links that one person is sent about one application, including the first."""
RESEND_PAUSE: Final = timedelta(hours=1)
MOST_PEOPLE: Final = 4
"""People of a kind whom an applicant may name for one application, one after the other."""


def current_request(application: Application, kind: VouchKind) -> VouchRequest | None:
    """The current request of a kind."""
    live = VouchRequest.objects.filter(application=application, kind=kind, state__in=LIVE_STATES)
    return live.select_related("notice").first()


@transaction.atomic
def name_voucher(
    application: Application,
    *,
    by: User,
    kind: VouchKind,
    name: str,
    email: str,
    institution: str,
    seen: str | None = None,
) -> VouchRequest:
    """Name the person to ask, in place of the one named before.

    They get their link when the application is submitted, or immediately if it is with the
    reviewers. `seen` is the fingerprint of `pk_of` as it was read.
    Raises `DomainError`: `not_your_application`, `application_closed`, `text_missing`,
    `own_address`, `mail_service`, `asked_already`, `too_many_named`; `SavedMeanwhile`.
    """
    name = require_text(name, field="name", message="Give their name.")
    email = require_address(email, message="Give their address.")
    institution = require_text(institution, field="institution", message="Say where they work.")
    _require_independent(by, email, kind=kind)
    lock_open(application, by=by)
    before = lock_request(application, kind)
    now_is = f"{before.name} ({before.email}) is named" if before else "nobody is named"
    require_unchanged(seen, pk_of(before), now_is=now_is)
    if before is not None and before.state != RequestState.NAMED and before.email == email:
        raise DomainError(
            RefusalCode.ASKED_ALREADY,
            "This person has already been asked. Send the link again.",
            field="email",
        )
    if before is not None:
        _set_aside(before)
    request = VouchRequest.objects.create(
        application=application,
        kind=kind,
        name=name,
        email=email,
        institution=institution,
        named_at=timezone.now(),
    )
    data = {"application": application.case_number, "kind": str(kind)}
    record(AuditTag.VOUCH_NAMED, actor=by, subject=subject_of(request), data=data)
    if application.state in REVIEW_STATES:
        issue_link(request, actor=by)
    return request


@transaction.atomic
def resend_link(application: Application, *, by: User, kind: VouchKind) -> VouchRequest:
    """Send a new link, valid for 14 days; the previous one stops working.

    Raises `DomainError`: `not_your_application`, `application_closed`, `nobody_asked`,
    `too_soon`, `too_many_links`.
    """
    lock_open(application, by=by)
    request = lock_request(application, kind)
    if request is None or request.state != RequestState.ASKED or request.sent_at is None:
        raise DomainError(RefusalCode.NOBODY_ASKED, "There is no open request to send again.")
    if request.serial >= MOST_LINKS:
        raise DomainError(
            RefusalCode.TOO_MANY_LINKS,
            f"They were sent {MOST_LINKS} links. Contact them yourself, or name somebody else.",
        )
    if timezone.now() < request.sent_at + RESEND_PAUSE:
        raise DomainError(
            RefusalCode.TOO_SOON, "The last link is less than an hour old. Try again later."
        )
    withdraw(about=_about(application), kind=ASK_KIND, data={"request": request.pk})
    issue_link(request, actor=by)
    return request


def issue_link(request: VouchRequest, *, actor: User | None) -> None:
    """Make the request's next link and post it, in the caller's transaction, on a locked row."""
    now = timezone.now()
    request.serial += 1
    request.digest = digest_token(token_of(request))
    request.state, request.sent_at, request.expires_at = RequestState.ASKED, now, now + LINK_LIFE
    request.notice = post_letter(request, kind=ASK_KIND)
    request.save()
    data = {"application": request.application.case_number, "link": request.serial}
    record(AuditTag.VOUCH_ASKED, actor=actor, subject=subject_of(request), data=data)


def post_letter(request: VouchRequest, *, kind: str) -> Notice:
    """Put a letter with the request's link into the outbox; see `letters`."""
    return post(
        request.email,
        kind=kind,
        composer=LETTER_COMPOSER,
        about=_about(request.application),
        data={"request": request.pk, "link": request.serial},
    )


def token_of(request: VouchRequest) -> str:
    """The secret of the current link; never stored."""
    return make_token(subject_of(request), request.serial)


def subject_of(request: VouchRequest) -> str:
    """The name of a request in the audit log."""
    return f"vouch:{request.pk}"


def lock_open(application: Application, *, by: User) -> None:
    """Lock an application for its applicant; requests are locked after it.

    Raises `DomainError`: `not_your_application`, `application_closed`.
    """
    require_role(by, Role.APPLICANT, owner_id=application.applicant_id, what="application")
    locked = Application.objects.select_for_update().get(pk=application.pk)
    application.state, application.revision = locked.state, locked.revision
    if locked.visible_state(at=timezone.now()) not in OPEN_STATES:
        raise DomainError(
            RefusalCode.APPLICATION_CLOSED,
            f"{locked.case_number} is decided; nobody else can be asked.",
        )


def pk_of(request: VouchRequest | None) -> int | None:
    """The request's key, as a form carries it."""
    return request.pk if request else None


def lock_request(application: Application, kind: VouchKind) -> VouchRequest | None:
    """The current request of a kind, locked."""
    live = VouchRequest.objects.select_for_update().filter(application=application, kind=kind)
    return live.filter(state__in=LIVE_STATES).first()


def _set_aside(request: VouchRequest) -> None:
    application = request.application
    if request.state == RequestState.NAMED:
        request.delete()
        return
    asked = VouchRequest.objects.filter(application=application, kind=request.kind).count()
    if asked >= MOST_PEOPLE:
        raise DomainError(
            RefusalCode.TOO_MANY_NAMED, f"You have named {MOST_PEOPLE} people. Ask a reviewer."
        )
    withdraw(about=_about(application), data={"request": request.pk})
    request.state = RequestState.REPLACED
    request.save(update_fields=["state"])


def _require_independent(by: User, email: str, *, kind: VouchKind) -> None:
    own = {address.lower() for address in _addresses(by)}
    if email in own:
        raise DomainError(RefusalCode.OWN_ADDRESS, "This is your own address.", field="email")
    if kind == VouchKind.OFFICIAL and domain_of(email) in FREE_MAIL:
        raise DomainError(
            RefusalCode.MAIL_SERVICE,
            f"Anybody can have an address at {domain_of(email)}. "
            "Give their address at the institution.",
            field="email",
        )


def _addresses(user: User) -> list[str]:
    return [user.email, *EmailAddress.objects.filter(user=user).values_list("email", flat=True)]


def _about(application: Application) -> str:
    return f"application:{application.case_number}"
