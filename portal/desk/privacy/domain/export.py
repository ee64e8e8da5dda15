"""Everything that the portal stores about a person, as a file for that person."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Field, JSONField, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast
from django.utils import timezone

from portal.desk.privacy.models import ErasureRequest
from portal.gate.access.domain.process.applicant_view import (
    HeldMoves,
    as_visible,
    held_moves,
    visible_grants,
)
from portal.gate.access.domain.workflow.lost_races import hide_unannounced
from portal.gate.access.models import (
    Application,
    Denial,
    Grant,
    Remark,
    Ruling,
    Step,
    SubmittedVersion,
)
from portal.gate.keys.models import ApiKey
from portal.gate.licensing.domain.agreement.issue import make_agreement
from portal.gate.licensing.models import IssuedAgreement, Signature
from portal.gate.renewals.domain.history import visible_steps
from portal.gate.renewals.models import Renewal, RenewalStep, Report, Statement
from portal.gate.teams.models import Member
from portal.gate.vouching.domain.erasure import vouches_by
from portal.gate.vouching.models import VouchRequest
from portal.lab.batches.models import Batch, StoredFile
from portal.lab.jobs.models import Call, GenerationJob
from portal.lab.notebook.models import Node, Project
from portal.lab.presets.models import Preset
from portal.lab.quota.models import Reservation
from portal.lab.sharing.models import ShareLink
from portal.library.weights.models import Download, LinkList
from portal.platform.accounts.models import User
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.notices.domain.reading import list_notices

SECRETS = frozenset({"password", "digest", "session_key", "failure_detail", "worker"})
"""Fields that are not exported: credentials, and details meant for operators."""
DESK = frozenset(
    {
        *("actor", "author", "asked", "claimed_by", "claim_ends_at", "made_by", "lifted_by"),
        *("revision", "told_at"),
    }
)
"""Fields that are not exported: who decided, and signs that a review is in progress."""
ABOUT_CASES = (
    *(Application, Step, Ruling, Grant, Denial, AuditEvent, Renewal, RenewalStep),
    Remark,
)
DESK_TAGS = (AuditTag.RENEWAL_CLAIMED, AuditTag.RENEWAL_RELEASED, AuditTag.RENEWAL_ENDORSED)
"""Events of a renewal that its holder's pages do not show."""
AS_TEXT = "_as_text"
CONFIDENTIAL = frozenset({"answer", "text"})
"""Fields that are not exported to the person they are about, only to the person who wrote."""


def export_person(person: User) -> bytes:
    """A zip with one JSON file for each kind of row, each a list of objects, oldest first.

    The folder `agreements` holds the signed agreements as PDFs. A decision that the applicant
    has not been notified of yet is not included.
    """
    packed, now = io.BytesIO(), timezone.now()
    held = held_moves(person, at=now)
    signatures = Signature.objects.filter(user=person).select_related("version__licence")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for agreement in map(make_agreement, signatures):
            archive.writestr(f"agreements/{agreement.filename}", agreement.content)
        for name, rows in _collect(person, held, at=now).items():
            with archive.open(f"{name}.json", "w") as file:
                for text in _as_json(_as_told(row, held, at=now) for row in _read(rows)):
                    file.write(text.encode())
    return packed.getvalue()


def _collect(person: User, held: HeldMoves, *, at: datetime) -> Mapping[str, QuerySet[Any]]:
    cases = Application.objects.filter(applicant=person)
    steps = hide_unannounced(Step.objects.filter(application__in=cases), at=at)
    steps = steps.exclude(held.untold_steps)
    grants = visible_grants(person, at=at).exclude(pk__in=held.made)
    renewals = Renewal.objects.filter(holder=person)
    return {
        "account": User.objects.filter(pk=person.pk),
        "addresses": EmailAddress.objects.filter(user=person),
        "other_sign_ins": SocialAccount.objects.filter(user=person),
        "sessions": UserSession.objects.filter(user=person),
        "signatures": Signature.objects.filter(user=person),
        "issued_agreements": IssuedAgreement.objects.filter(signature__user=person),
        "applications": cases,
        "submitted_versions": SubmittedVersion.objects.filter(application__in=cases),
        "steps": steps,
        "remarks": Remark.objects.filter(application__in=cases),
        "rulings": Ruling.objects.filter(step__in=steps),
        "grants": grants,
        "vouch_requests": VouchRequest.objects.filter(application__in=cases),
        "vouches_given": vouches_by(person.email).annotate(is_given=Value(value=True)),
        "team_memberships": Member.objects.filter(user=person),
        "team_invitations": Member.objects.filter(team__application__in=cases),
        "renewals": renewals,
        "reports": Report.objects.filter(renewal__in=renewals),
        "renewal_steps": visible_steps(person),
        "statements": Statement.objects.filter(grant__in=grants),
        "denials": Denial.objects.filter(person=person),
        "api_keys": ApiKey.objects.filter(user=person),
        "notices": list_notices(person.pk),
        "erasure_requests": ErasureRequest.objects.filter(person=person),
        "calls": Call.objects.filter(user=person),
        "runs": GenerationJob.objects.filter(user=person),
        "presets": Preset.objects.filter(user=person),
        "projects": Project.objects.filter(user=person),
        "documents": Node.objects.filter(user=person),
        "share_links": ShareLink.objects.filter(run__user=person),
        "files": StoredFile.objects.filter(user=person),
        "batches": Batch.objects.filter(user=person),
        "weights_links": LinkList.objects.filter(user=person),
        "downloads": Download.objects.filter(user=person),
        "usage": Reservation.objects.filter(user=person),
        "audit_events": _events(person, steps=steps, grants=grants),
    }


def _events(
    person: User, *, steps: QuerySet[Step], grants: QuerySet[Grant]
) -> QuerySet[AuditEvent]:
    """What the person did, and what was done to them as far as they have been notified."""
    cases = Application.objects.filter(applicant=person).values_list("case_number", flat=True)
    about_case = Q(subject__in=[f"application:{number}" for number in cases])
    about_grant = Q(subject__in=[f"grant:{pk}" for pk in grants.values_list("pk", flat=True)])
    told = Q(data__step__in=list(steps.values_list("pk", flat=True)))
    made = Q(tag__in=[AuditTag.GRANT_MADE, AuditTag.GRANT_EXPIRED, AuditTag.STATEMENT_MADE])
    about_renewal = Q(subject__in=_renewal_subjects(person)) & ~Q(tag__in=DESK_TAGS)
    about_person = Q(actor=person) | Q(subject=f"user:{person.pk}")
    return AuditEvent.objects.filter(
        about_person | about_renewal | (about_case & told) | (about_grant & (told | made))
    )


def _renewal_subjects(person: User) -> list[str]:
    renewals = Renewal.objects.filter(holder=person).values_list("pk", flat=True)
    return [f"renewal:{pk}" for pk in renewals]


def _read(rows: QuerySet[Any]) -> Iterable[Model]:
    """Rows with JSON as the database's text, since Python cannot parse very deep nesting."""
    names = [field.name for field in _columns(rows.model) if isinstance(field, JSONField)]
    texts = {f"{name}{AS_TEXT}": Cast(name, TextField()) for name in names}
    read: Iterable[Model] = rows.defer(*names).annotate(**texts).order_by("pk").iterator(500)
    return read


def _as_told(row: Model, held: HeldMoves, *, at: datetime) -> Model:
    """The row as the person has been notified of it; never saved."""
    if isinstance(row, Application):
        is_held = row.is_held(at=at)
        row = as_visible(row, at=at)
        row.effective_at = None if is_held else row.effective_at
    if isinstance(row, Grant):
        row.state = held.moved.get(row.pk, row.state)
    return row


def _as_json(rows: Iterable[Model]) -> Iterable[str]:
    opening = "[\n"
    for row in rows:
        fields = (f"{json.dumps(name)}: {text}" for name, text in _describe(row))
        yield opening + "{" + ", ".join(fields) + "}"
        opening = ",\n"
    yield "\n]\n" if opening == ",\n" else "[]\n"


def _describe(row: Model) -> Iterator[tuple[str, str]]:
    """The exported fields, each with its value as JSON."""
    hidden = SECRETS | (DESK if isinstance(row, ABOUT_CASES) else frozenset())
    if isinstance(row, VouchRequest) and not hasattr(row, "is_given"):
        hidden |= CONFIDENTIAL
    for field in _columns(type(row)):
        if field.name in hidden:
            continue
        if isinstance(field, JSONField):
            yield field.name, getattr(row, f"{field.name}{AS_TEXT}") or "null"
        else:
            value = field.value_from_object(row)
            yield field.name, json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)


def _columns(model: type[Model]) -> Sequence[Field[Any, Any]]:
    return model._meta.concrete_fields  # noqa: SLF001 -- documented by Django
