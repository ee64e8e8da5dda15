"""Mail to people who did not ask for it: nothing that others wrote, and little of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from allauth.socialaccount.models import SocialLogin
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from portal.access.domain.process.applications import Answers, open_draft, submit_application
from portal.access.models import Application, Grant
from portal.accounts.adapter import SocialAccountAdapter
from portal.accounts.models import User
from portal.catalog.models import HostedModel
from portal.core.errors import DomainError
from portal.notices.domain.sending import send_due
from portal.notices.models import Notice
from portal.teams.domain.invitations import invite_member
from portal.teams.domain.letters import link_of as join_link
from portal.vouching.domain.letters import link_of
from portal.vouching.domain.requests import name_voucher, resend_link
from portal.vouching.enums import VouchKind
from portal.vouching.models import VouchRequest
from tests.access.conftest import answers, model, reviewer, sign, signed_applicant
from tests.access.test_races import wait_until_somebody_waits_for_us
from tests.accounts.walking import confirm_password
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.vouching import VouchRequestFactory, ask

__all__ = ["answers", "model", "reviewer", "signed_applicant"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

POISON = "You won\r\n\r\nhttps://evil.example/claim \u202e evil.example"
"""What somebody would like a stranger to read in our name."""
SIGN_UP = {
    "name": "Ada Lovelace",
    "email": "victim@example.org",
    "password1": "analytical-engine-1843",
    "password2": "analytical-engine-1843",
    "website": "",
}


@pytest.mark.parametrize(
    "name", [POISON, "Ada\nLovelace", "www.evil.example", "evil.example", "Ada\u200bLovelace"]
)
def test_nobody_signs_up_under_a_link(
    client: Client, mailoutbox: list[EmailMessage], name: str
) -> None:
    page = client.post("/account/signup/", {**SIGN_UP, "name": name})
    assert (page.status_code, list(page.context["form"].errors)) == (200, ["name"])
    assert (User.objects.count(), mailoutbox) == (0, [])


def test_a_stranger_s_mail_says_nothing_that_others_typed(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    client.post("/account/signup/", SIGN_UP)
    (mail,) = mailoutbox
    assert mail.body.startswith("Hello,\n")
    assert "Ada" not in mail.subject + mail.body


def test_who_confirmed_an_address_is_greeted_by_name_there_and_nowhere_else(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    ada = UserFactory(name="Ada Lovelace", email="ada@example.org")
    client.force_login(ada)
    confirm_password(client)
    client.post("/account/email/", {"action_add": "", "email": "victim@example.org"})
    client.post("/account/password/reset/", {"email": "ada@example.org"})
    greetings = {mail.to[0]: mail.body.splitlines()[0] for mail in mailoutbox}
    assert greetings == {
        "victim@example.org": "Hello,",
        "ada@example.org": "Hello Ada Lovelace,",
    }


def test_another_site_s_profile_is_tamed_and_asked_about(client: Client) -> None:
    login = SocialLogin(user=User(email="eve@example.org"))
    adapter = SocialAccountAdapter()
    request = RequestFactory().get("/")
    user = adapter.populate_user(request, login, {"name": f"Eve {POISON}" + "x" * 500})
    assert (user.name[:20], len(user.name)) == ("Eve You won evil.exa", 200)


def test_the_letter_to_a_referee_quotes_and_bounds_what_the_applicant_says(
    model: HostedModel, signed_applicant: User, mailoutbox: list[EmailMessage]
) -> None:
    application = ApplicationFactory(
        applicant=signed_applicant,
        applicant_name="evil.example " * 10,
        affiliation="claim.example",
        position="https://evil.example/x",
        models_wanted=[model],
    )
    VouchRequestFactory(
        application=application, name="Dr. claim.example", institution="www.evil.example"
    )
    asked = application.vouch_requests.get()
    ask(asked)
    send_due()
    (letter,) = mailoutbox
    assert letter.subject == "You are named as a referee"
    assert letter.body.startswith("Hello,\n")
    assert links_in(letter.body) == [f"http://testserver{link_of(asked)}", "http://testserver"]
    quoted = "evil. example " * 7
    assert f"“{quoted}e…”" in letter.body


def test_an_invitation_quotes_and_bounds_what_the_lead_says(
    grant: Grant, mailoutbox: list[EmailMessage]
) -> None:
    Application.objects.update(applicant_name="evil.example", affiliation="claim.example/now")
    member = invite_member(grant.application, by=grant.user, email="mia@uni.edu")
    send_due()
    (letter,) = mailoutbox
    assert letter.subject == "You are invited to a team"
    assert letter.body.startswith("Hello,\n")
    assert links_in(letter.body) == [f"http://testserver{join_link(member)}", "http://testserver"]
    assert "“evil. example”" in letter.body


@pytest.mark.parametrize("agent", ["https://evil.example/claim", "x" * 4000])
def test_a_browser_s_name_is_ours(
    client: Client, mailoutbox: list[EmailMessage], agent: str
) -> None:
    ada = UserFactory(email="ada@example.org")
    client.force_login(ada)
    confirm_password(client)
    client.post(
        "/account/password/change/",
        {
            "oldpassword": PASSWORD,
            "password1": "analytical-engine-1843",
            "password2": "analytical-engine-1843",
        },
        headers={"User-Agent": agent},
    )
    (mail,) = mailoutbox
    assert "Browser: A browser\n" in mail.body


def links_in(body: str) -> list[str]:
    """What a program that shows mail may make a link of: schemes, and dots within words."""
    return re.findall(r"\S+://\S+|www\.\S+|\S*\w\.\w\S*", body)


@pytest.fixture
def grant(model: HostedModel) -> Grant:
    """What the lead of a team holds."""
    return GrantFactory(user=sign(UserFactory(name="Linda Lead"), model), model=model)


def refusal(act: Callable[[], object]) -> DomainError:
    with pytest.raises(DomainError) as refused:
        act()
    return refused.value


def test_a_person_has_so_many_letters_sent_in_a_day(grant: Grant, settings: Settings) -> None:
    settings.LETTERS_PER_SENDER = 3
    with time_machine.travel("2027-03-01T12:00Z", tick=False) as clock:
        invite = lambda n: invite_member(  # noqa: E731
            grant.application, by=grant.user, email=f"person{n}@uni.edu"
        )
        for number in range(3):
            invite(number)
            clock.shift(timedelta(hours=1))
        refused = refusal(lambda: invite(3))
        assert (refused.code, refused.field) == ("too_many_letters", "email")
        assert refused.message == (
            "Nothing was sent: 3 letters a day leave in one person's name. The next may leave on "
            "2 March, 12:00 UTC."
        )
        clock.move_to("2027-03-02T11:59:59Z")
        assert refusal(lambda: invite(3)).code == "too_many_letters"
        clock.move_to("2027-03-02T12:00Z")
        invite(3)
    assert Notice.objects.filter(sender=grant.user).count() == 4


def test_an_address_gets_so_many_letters_in_a_day_whoever_sends_them(
    model: HostedModel, settings: Settings
) -> None:
    settings.LETTERS_PER_ADDRESS = 2

    def name_victim(email: str = "victim@uni.edu") -> VouchRequest:
        applicant = UserFactory()
        application = ApplicationFactory(applicant=applicant, models_wanted=[model])
        return name_voucher(
            application,
            by=applicant,
            kind=VouchKind.REFEREE,
            name="Rosalind Referee",
            email=email,
            institution="University",
        )

    with time_machine.travel("2027-03-01T12:00Z", tick=False) as clock:
        name_victim()
        name_victim("Victim@UNI.edu")
        refused = refusal(name_victim)
        assert (refused.code, refused.field) == ("address_has_letters", "email")
        assert refused.message == (
            "Nothing was sent: victim@uni.edu was sent 2 letters, the most in a day. Name another "
            "address, or try again on 2 March, 12:00 UTC."
        )
        name_victim("other@uni.edu")
        clock.move_to("2027-03-02T12:00Z")
        name_victim()


def test_links_sent_again_count_too(model: HostedModel, settings: Settings) -> None:
    settings.LETTERS_PER_SENDER = 2
    applicant = UserFactory()
    application = ApplicationFactory(applicant=applicant, models_wanted=[model])
    with time_machine.travel(timezone.now(), tick=False) as clock:
        ask(VouchRequestFactory(application=application))
        again = lambda: resend_link(application, by=applicant, kind=VouchKind.REFEREE)  # noqa: E731
        for _ in range(2):
            send_due()
            clock.shift(timedelta(hours=1))
            again()
        send_due()
        clock.shift(timedelta(hours=1))
        assert refusal(again).code == "too_many_letters"


def test_a_submission_that_would_send_too_many_is_not_made(
    client: Client,
    signed_applicant: User,
    answers: Callable[..., Answers],
    settings: Settings,
) -> None:
    settings.LETTERS_PER_SENDER = 1
    draft = open_draft(signed_applicant)
    for kind in VouchKind:
        VouchRequestFactory(application=draft, kind=kind)
    submit = lambda: submit_application(draft, by=signed_applicant, answers=answers())  # noqa: E731
    assert refusal(submit).code == "too_many_letters"
    assert Application.objects.get().state == "draft"
    assert Notice.objects.filter(recipient=None).count() == 0
    settings.LETTERS_PER_SENDER = 2
    draft.refresh_from_db()
    submit()


def test_the_page_says_so_at_the_field(client: Client, grant: Grant, settings: Settings) -> None:
    settings.LETTERS_PER_SENDER = 0
    client.force_login(grant.user)
    page = client.post(
        f"/access/applications/{grant.application.case_number}/team/", {"email": "mia@uni.edu"}
    )
    assert list(page.context["form"].errors) == ["email"]


def test_an_address_is_asked_to_confirm_five_times_a_day(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    """Whoever signs up with it, and whether it has an account or not."""
    UserFactory(email="known@example.org")
    with time_machine.travel("2027-03-01T12:00Z", tick=False) as clock:
        for _ in range(8):
            for address in ("victim@example.org", "known@example.org"):
                client.post("/account/signup/", {**SIGN_UP, "email": address})
            clock.shift(timedelta(minutes=10))
        sent = [mail.to[0] for mail in mailoutbox]
        assert {address: sent.count(address) for address in sent} == {
            "victim@example.org": 5,
            "known@example.org": 5,
        }


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_send_one_letter_too_many(
    model: HostedModel, settings: Settings
) -> None:
    """The second counts when the first has committed, and not while it waits."""
    settings.LETTERS_PER_ADDRESS = 1
    first, second = (
        ApplicationFactory(applicant=UserFactory(), models_wanted=[model]) for _ in range(2)
    )

    def name_victim(application: Application) -> str:
        try:
            name_voucher(
                application,
                by=application.applicant,
                kind=VouchKind.REFEREE,
                name="Rosalind Referee",
                email="victim@uni.edu",
                institution="University",
            )
        except DomainError as error:
            return error.code
        return "sent"

    def name_in_its_own_connection() -> str:
        try:
            return name_victim(second)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            outcomes = [name_victim(first)]
            other = pool.submit(name_in_its_own_connection)
            wait_until_somebody_waits_for_us()
        outcomes.append(other.result(timeout=30))
    assert outcomes == ["sent", "address_has_letters"]
