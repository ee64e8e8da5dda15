"""Accounts that may belong to the same person, each with the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db.models import Q

from portal.gate.access.domain.screening.denylist import normalise_name
from portal.gate.access.domain.screening.institutions import FREE_MAIL
from portal.gate.access.domain.workflow.separation import domain_of
from portal.gate.access.models import Application
from portal.platform.accounts.models import User

SIMILAR = 0.86
"""Ratio of matching characters from which two names count as similar."""
MOST_NAMES = 2000
DOTS_MEAN_NOTHING = {"gmail.com", "googlemail.com"}
_PLUS = re.compile(r"\+.*$")


@dataclass(frozen=True)
class Likeness:
    """Another account, and why it may belong to the same person."""

    user: User
    why: str


def normalise_email(email: str) -> str:
    """The mailbox of an address: in lower case, without `+tag`, or dots where they are ignored."""
    local, _, domain = email.strip().lower().rpartition("@")
    local = _PLUS.sub("", local)
    if domain in DOTS_MEAN_NOTHING:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def find_likenesses(user: User) -> list[Likeness]:
    """Other active accounts with the same ORCID iD, the same mailbox, or a similar name at the
    same domain, strongest reason first. They only inform a reviewer.
    """
    found: dict[int, Likeness] = {}
    for others, why in (
        (_same_orcid(user), "the same ORCID iD"),
        (_same_mailbox(user), "the same mailbox"),
        (_similar_name(user), "a similar name at the same domain"),
    ):
        for other in others:
            found.setdefault(other.pk, Likeness(other, why))
    return list(found.values())


def _same_orcid(user: User) -> list[User]:
    accounts = SocialAccount.objects.filter(provider="orcid")
    orcids = {
        *accounts.filter(user=user).values_list("uid", flat=True),
        *Application.objects.filter(applicant=user)
        .exclude(orcid="")
        .values_list("orcid", flat=True),
    }
    if not orcids:
        return []
    return list(
        User.objects.filter(is_active=True)
        .exclude(pk=user.pk)
        .filter(
            Q(pk__in=accounts.filter(uid__in=orcids).values("user"))
            | Q(pk__in=Application.objects.filter(orcid__in=orcids).values("applicant"))
        )
        .order_by("pk")
    )


def _same_mailbox(user: User) -> list[User]:
    mine = {normalise_email(user.email)}
    addresses = EmailAddress.objects.filter(user=user).values_list("email", flat=True)
    mine |= {normalise_email(email) for email in addresses}
    domains = {domain_of(email) for email in mine}
    if domains & DOTS_MEAN_NOTHING:
        domains |= DOTS_MEAN_NOTHING
    at_domain = Q()
    for domain in sorted(domains):
        at_domain |= Q(email__iendswith=f"@{domain}")
    first_letters = {email[0] for email in mine}
    others = User.objects.filter(at_domain, is_active=True).exclude(pk=user.pk)
    return [
        other
        for other in others.order_by("pk")[:MOST_NAMES]
        if other.email[:1].lower() in first_letters and normalise_email(other.email) in mine
    ]


def _similar_name(user: User) -> list[User]:
    domain = domain_of(user.email)
    if domain in FREE_MAIL:
        return []
    name = _spell(user.name)
    others = User.objects.filter(email__iendswith=f"@{domain}", is_active=True).exclude(pk=user.pk)
    return [
        other
        for other in others.order_by("pk")[:MOST_NAMES]
        if SequenceMatcher(None, name, _spell(other.name)).ratio() >= SIMILAR
    ]


def _spell(name: str) -> str:
    """A name with its words in alphabetical order, so that order does not matter."""
    return " ".join(sorted(normalise_name(name).split()))
