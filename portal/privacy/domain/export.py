"""Everything that the portal keeps about a person, for that person."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, Q, QuerySet

from portal.access.models import Application, Grant, Step
from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.jobs.models import GenerationJob
from portal.keys.models import ApiKey
from portal.licensing.models import Signature
from portal.notices.domain.reading import list_notices
from portal.usage.models import Reservation

SECRETS = frozenset({"password", "digest", "session_key", "failure_detail", "worker"})
"""What proves who somebody is, and what is the operators' business, is not handed out."""


def export_person(person: User) -> bytes:
    """A zip with one JSON file for each kind of row, each a list of objects, oldest first."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in _collect(person).items():
            with archive.open(f"{name}.json", "w") as file:
                for text in _as_json(rows):
                    file.write(text.encode())
    return packed.getvalue()


def _collect(person: User) -> Mapping[str, QuerySet[Any]]:
    cases = Application.objects.filter(applicant=person)
    about = [f"application:{number}" for number in cases.values_list("case_number", flat=True)]
    grants = Grant.objects.filter(user=person)
    about += [f"grant:{pk}" for pk in grants.values_list("pk", flat=True)]
    about.append(f"user:{person.pk}")
    return {
        "account": User.objects.filter(pk=person.pk),
        "addresses": EmailAddress.objects.filter(user=person),
        "other_sign_ins": SocialAccount.objects.filter(user=person),
        "sessions": UserSession.objects.filter(user=person),
        "signatures": Signature.objects.filter(user=person),
        "applications": cases,
        "steps": Step.objects.filter(application__in=cases),
        "grants": grants,
        "api_keys": ApiKey.objects.filter(user=person),
        "notices": list_notices(person.pk),
        "runs": GenerationJob.objects.filter(user=person),
        "usage": Reservation.objects.filter(user=person),
        "audit_events": AuditEvent.objects.filter(Q(actor=person) | Q(subject__in=about)),
    }


def _as_json(rows: QuerySet[Any]) -> Iterable[str]:
    opening = "[\n"
    for row in rows.order_by("pk").iterator(chunk_size=500):
        yield opening + json.dumps(_describe(row), cls=DjangoJSONEncoder, ensure_ascii=False)
        opening = ",\n"
    yield "\n]\n" if opening == ",\n" else "[]\n"


def _describe(row: Model) -> dict[str, object]:
    hidden = SECRETS | ({"actor"} if isinstance(row, (Step, AuditEvent)) else set())
    return {
        field.name: field.value_from_object(row)
        for field in row._meta.concrete_fields  # noqa: SLF001 -- documented by Django
        if field.name not in hidden
    }
