"""Flags that a reviewer has to check before an approval, and their override with a reason.

A flag rejects nobody. A reviewer who approves anyway says why; the reason is kept, and the
event says what was overridden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django_countries import countries

from portal.gate.access.country_list import read_country_list
from portal.gate.access.domain.workflow.separation import domain_of
from portal.gate.access.models import Application, Override, Step
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.domain_names import describe_domain, find_lookalike
from portal.platform.core.errors import DomainError
from portal.platform.core.links import find_domains
from portal.platform.core.refusals import RefusalCode

COUNTRY_REVIEW = "country_review"
LOOKALIKE_DOMAIN = "lookalike_domain"
SCRIPTS = "the scripts of Unicode"


@dataclass(frozen=True)
class Flag:
    """A code for the record, a sentence for the reviewer, and further data for the event."""

    code: str
    message: str
    source: str
    data: Mapping[str, object] = field(default_factory=dict)


Finder = Callable[[Application, Sequence[HostedModel]], list[Flag]]
_FINDERS: list[Finder] = []


def register_flags(find: Finder) -> None:
    """Let a capability above this one add flags."""
    _FINDERS.append(find)


def find_flags(application: Application, *, models: Sequence[HostedModel]) -> list[Flag]:
    """Everything that an approval for `models` would have to override."""
    found = review_submission(application)
    for find in _FINDERS:
        found += find(application, models)
    return found


def review_submission(application: Application) -> list[Flag]:
    """The flags from the application itself, without a database query."""
    return [*review_country(application), *review_domains(application)]


def review_domains(application: Application) -> list[Flag]:
    """Flag domains of the address and of links that imitate others in letters of other scripts."""
    links = [("A linked domain", domain) for domain in find_domains(application.homepage)]
    own = ("The e-mail domain", domain_of(application.applicant_email))
    return mark_lookalikes([own, *links])


def mark_lookalikes(named: Sequence[tuple[str, str]]) -> list[Flag]:
    """One flag for all the domains that look like others; `named` pairs each with a label."""
    messages = [
        f"{whose}, {describe_domain(domain)}: {why}."
        for whose, domain in named
        if (why := find_lookalike(domain))
    ]
    return [Flag(LOOKALIKE_DOMAIN, " ".join(messages), SCRIPTS)] if messages else []


def review_country(application: Application) -> list[Flag]:
    """Flag the declared country and that of the connection by the current list, and a difference
    between the two. The connection's country is known only where COUNTRY_HEADER is set.
    """
    listed = read_country_list(settings.COUNTRY_LIST)
    declared, connected = application.country, application.connection_country
    source = f"country list {listed.version}: {listed.source}"
    messages = []
    if declared in listed.reasons:
        messages.append(
            f"The declared country, {_name(declared)}, is listed: {listed.reasons[declared]}."
        )
    if connected and connected != declared:
        messages.append(
            f"It was submitted from {_name(connected)}, but {_name(declared)} was declared."
        )
        if connected in listed.reasons:
            messages.append(f"{_name(connected)} is listed: {listed.reasons[connected]}.")
    data = {"country_list": listed.version}
    return [Flag(COUNTRY_REVIEW, " ".join(messages), source, data)] if messages else []


def require_override(flags: Sequence[Flag], reason: str) -> None:
    """Raise `DomainError` (`needs_override`) if there are flags and no reason."""
    if flags and not reason.strip():
        raise DomainError(
            RefusalCode.NEEDS_OVERRIDE,
            f"{flags[0].message} Say why you approve it anyway.",
            field="override",
        )


def keep_override(step: Step, flags: Sequence[Flag], *, by: User, reason: str) -> None:
    """Record what was overridden and why, in the approval's transaction."""
    if not flags:
        return
    data: dict[str, object] = {"codes": [flag.code for flag in flags], "step": step.pk}
    for flag in flags:
        data |= flag.data
    Override.objects.create(
        step=step,
        codes=[flag.code for flag in flags],
        list_version=str(data.get("country_list", "")),
        reason=reason.strip(),
    )
    subject = f"application:{step.application.case_number}"
    record(AuditTag.CONCERN_OVERRIDDEN, actor=by, subject=subject, data=data)


def _name(code: str) -> str:
    return str(countries.name(code)) or code
