"""Every command about requests and domains, in every state, by every person; see `matrices`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from portal.gate.access.enums import ApplicationState
from portal.gate.access.models import Application
from portal.gate.vouching.domain.answers import answer_request
from portal.gate.vouching.domain.domains import (
    confirm_domain,
    decline_domain,
    withdraw_by_official,
    withdraw_domain,
)
from portal.gate.vouching.domain.requests import name_voucher, resend_link
from portal.gate.vouching.enums import Answer, DomainState, RequestState, VouchKind
from portal.gate.vouching.models import AuthorisedDomain, VouchRequest
from portal.platform.accounts.models import User
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory
from tests.factories.vouching import VouchRequestFactory, ask
from tests.matrices import compare, try_out

pytestmark = pytest.mark.django_db
MATRIX = Path(__file__).with_name("command_matrix.txt")
REQUESTS = ("none", "named", "asked", "expired", "answered", "replaced")
REQUEST_LINE = "request | {:9} | {:8} | {:9} | {:8} | {}"
DOMAIN_LINE = "domain  | {:9} | {:22} | {:8} | {}"


def make_request(application: Application, situation: str) -> VouchRequest | None:
    if situation == "none":
        return None
    request = VouchRequestFactory.create(application=application)
    if situation == "named":
        return request
    ask(request)
    long_ago = timezone.now() - timedelta(days=20)
    changes: dict[str, Any] = {"sent_at": long_ago}
    if situation == "expired":
        changes["expires_at"] = long_ago
    if situation == "answered":
        changes |= {"state": situation, "answer": "confirm", "answered_at": long_ago}
    if situation == "replaced":
        changes["state"] = situation
    VouchRequest.objects.filter(pk=request.pk).update(**changes)
    request.refresh_from_db()
    return request


def request_commands(
    application: Application, request: VouchRequest | None
) -> dict[str, Callable[[User], object]]:
    kind = VouchKind.REFEREE
    return {
        "name": lambda by: name_voucher(
            application, by=by, kind=kind, name="New", email="new@uni.edu", institution="Uni"
        ),
        "resend": lambda by: resend_link(application, by=by, kind=kind),
        "answer": lambda by: request and answer_request(request, answer=Answer.CONFIRM),
    }


def request_lines() -> Iterator[str]:
    for state in ApplicationState:
        for situation in REQUESTS:
            application = ApplicationFactory.create(state=state)
            request = make_request(application, situation)
            cast = {
                "applicant": application.applicant,
                "another": UserFactory.create(is_reviewer=True),
            }
            newest = lambda case=application: str(case.vouch_requests.latest("pk").state)  # noqa: E731
            for command, call in request_commands(application, request).items():
                if command == "answer":
                    if request is not None:
                        outcome = try_out(partial(call, application.applicant), newest)
                        yield REQUEST_LINE.format(situation, state, "by link", command, outcome)
                    continue
                for name, actor in cast.items():
                    outcome = try_out(partial(call, actor), newest)
                    yield REQUEST_LINE.format(situation, state, name, command, outcome)


def make_domain(application: Application, situation: str, reviewer: User) -> AuthorisedDomain:
    now = timezone.now()
    request = VouchRequestFactory.create(
        application=application,
        kind=VouchKind.OFFICIAL,
        email=f"dean@{situation}.edu",
        state=RequestState.ANSWERED,
        answer=Answer.CONFIRM,
        answered_at=now,
    )
    return AuthorisedDomain.objects.create(
        domain=f"{situation}.edu",
        request=request,
        state=situation,
        proposed_at=now,
        decided_by=reviewer,
        ends_at=now + timedelta(days=1),
    )


def domain_commands(row: AuthorisedDomain) -> dict[str, Callable[[User], object]]:
    return {
        "confirm": lambda by: confirm_domain(row, by=by),
        "decline": lambda by: decline_domain(row, by=by, note="No."),
        "withdraw": lambda by: withdraw_domain(row, by=by, note="No."),
    }


def domain_lines() -> Iterator[str]:
    reviewer = UserFactory.create(is_reviewer=True)
    for state in DomainState:
        application = ApplicationFactory.create(applicant=UserFactory.create(is_reviewer=True))
        entry = make_domain(application, state, reviewer)
        cast = {
            "reviewer": reviewer,
            "applicant who reviews": application.applicant,
            "official who reviews": UserFactory.create(email=entry.request.email, is_reviewer=True),
            "operator": UserFactory.create(is_staff=True),
        }
        outcome = lambda row=entry: str(AuthorisedDomain.objects.get(pk=row.pk).state)  # noqa: E731
        for name, actor in cast.items():
            for command, call in domain_commands(entry).items():
                result = try_out(partial(call, actor), outcome)
                yield DOMAIN_LINE.format(state, name, command, result)
        result = try_out(partial(withdraw_by_official, entry.request), outcome)
        yield DOMAIN_LINE.format(state, "by link", "withdraw", result)


def test_every_command_does_what_the_committed_matrix_says() -> None:
    compare([*request_lines(), *domain_lines()], MATRIX)
