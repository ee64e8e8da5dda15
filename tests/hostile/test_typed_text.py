"""Text that people type to deceive other people: domains, numbers, names, and mail to strangers."""

from __future__ import annotations

import socket
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.domain.screening.denylist import deny, find_denials
from portal.gate.access.domain.screening.flags import find_flags
from portal.gate.access.enums import DenialKind
from portal.gate.access.models import Application
from portal.gate.catalog.models import HostedModel
from portal.gate.vouching.domain.requests import name_voucher
from portal.gate.vouching.enums import VouchKind
from portal.gate.webhooks.domain.posting import Answer, post
from portal.platform.accounts.models import User
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory
from tests.gate.access.conftest import TYPED, answers, model, reviewer, signed_applicant
from tests.gate.webhooks.receiver import Receiver

__all__ = ["answers", "model", "reviewer", "signed_applicant"]
pytestmark = pytest.mark.django_db

LOOKALIKE = "ex\u0430mple.com"
"""Its third letter is Cyrillic."""
PUNYCODE = "xn--exmple-4nf.com"
MIXED = f"{PUNYCODE} (shown elsewhere as “{LOOKALIKE}”)"


def messages(application: Application, models: list[HostedModel]) -> list[str]:
    return [flag.message for flag in find_flags(application, models=models)]


@pytest.fixture
def disguised(model: HostedModel) -> Application:
    return ApplicationFactory.create(
        applicant=UserFactory.create(email=f"ada@{PUNYCODE}"),
        homepage=f"See https://{LOOKALIKE}/ada and www.m\u0456t.edu, or b\u00fccher.de.",
        models_wanted=[model],
    )


def test_a_domain_that_looks_like_another_has_to_be_looked_at(
    client: Client, disguised: Application, model: HostedModel, reviewer: User
) -> None:
    why = "“ex\u0430mple” mixes Cyrillic and Latin letters"
    (message,) = messages(disguised, [model])
    assert message == (
        f"The e-mail domain, {MIXED}: {why}. A linked domain, {MIXED}: {why}. "
        "A linked domain, www.xn--mt-hoc.edu (shown elsewhere as “www.m\u0456t.edu”): "
        "“m\u0456t” mixes Cyrillic and Latin letters."
    )
    client.force_login(reviewer)
    page = client.get(f"/console/applications/{disguised.case_number}/").content.decode()
    assert f"{MIXED} is not known here" in page
    assert f"on no list; {why}" in page
    assert f">https://{LOOKALIKE}/ada</a> ({PUNYCODE})" in page
    assert "Flagged" in client.get("/console/").content.decode()


def test_a_referee_at_such_a_domain_has_to_be_looked_at(
    signed_applicant: User, model: HostedModel
) -> None:
    application = ApplicationFactory.create(applicant=signed_applicant, models_wanted=[model])
    name_voucher(
        application,
        by=signed_applicant,
        kind=VouchKind.REFEREE,
        name="Rosalind Referee",
        email=f"Rosalind@{LOOKALIKE}",
        institution="University of the References",
    )
    assert messages(application, [model]) == [
        f"The referee's domain, {MIXED}: “ex\u0430mple” mixes Cyrillic and Latin letters."
    ]
    assert application.vouch_requests.get().email == f"rosalind@{PUNYCODE}"


@pytest.mark.parametrize("denied", [LOOKALIKE, PUNYCODE])
@pytest.mark.parametrize("used", [LOOKALIKE, PUNYCODE, LOOKALIKE.upper()])
def test_a_denied_domain_is_denied_in_each_spelling(reviewer: User, denied: str, used: str) -> None:
    ends_at = timezone.now() + timedelta(days=1)
    denial = deny(
        kind=DenialKind.DOMAIN, by=reviewer, reason="Spam.", ends_at=ends_at, value=denied
    )
    application = ApplicationFactory.create(applicant_email=f"ada@{used}")
    assert find_denials(application, at=timezone.now()) == [denial]


def test_an_address_is_kept_and_found_in_one_spelling(client: Client) -> None:
    typed = {
        "name": "Ada Lovelace",
        "email": f"Ada@{LOOKALIKE}",
        "password1": "analytical-engine-1843",
        "password2": "analytical-engine-1843",
        "website": "",
    }
    client.post("/account/signup/", typed)
    assert list(User.objects.values_list("email", flat=True)) == [f"ada@{PUNYCODE}"]
    EmailAddress.objects.filter(user=User.objects.get()).update(verified=True)
    signed_in = client.post(
        "/account/login/", {"login": f"ada@{LOOKALIKE}", "password": typed["password1"]}
    )
    assert signed_in.headers["Location"] == "/access/"


def test_kosovo_can_be_chosen(
    client: Client, signed_applicant: User, model: HostedModel, reviewer: User
) -> None:
    client.force_login(signed_applicant)
    assert '<option value="XK">Kosovo</option>' in client.get("/access/apply/").content.decode()
    typed = {**TYPED, "country": "XK", "models_wanted": [model.slug]}
    client.post("/access/apply/submit/", typed)
    application = Application.objects.get()
    assert (application.state, application.country_name) == ("submitted", "Kosovo")


@pytest.mark.parametrize("revision", ["\u0661", "9" * 5000, "1.0", "-1"])
def test_a_number_that_is_not_in_ascii_digits_marks_nothing(
    client: Client, reviewer: User, revision: str
) -> None:
    application = ApplicationFactory.create()
    client.force_login(reviewer)
    sent = client.post(
        "/console/bulk/",
        {"command": "claim", "cases": [f"{application.case_number}:{revision}"]},
    )
    assert sent.status_code < 500
    application.refresh_from_db()
    assert application.claimed_by is None


def test_a_name_that_moves_after_it_was_judged_is_not_followed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver returns an allowed address once, and an internal one every other time."""
    settings.WEBHOOK_NETWORKS = (ip_network("127.0.0.1/32"),)
    real, asked = socket.getaddrinfo, []

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host != "hooks.example":
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with Receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", "hooks.example")
        assert post(url, body=b"{}", headers={}) == Answer(204)
        assert [request.path for request in receiver.requests] == ["/hooks"]
    assert asked == ["hooks.example"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_is_sent_elsewhere(settings: Settings, status: int) -> None:
    settings.WEBHOOK_NETWORKS = (ip_network("127.0.0.1/32"),)
    with Receiver() as receiver:
        receiver.answers.append(status)
        assert post(receiver.url, body=b"{}", headers={}) == Answer(status)
        assert [request.path for request in receiver.requests] == ["/hooks"]
