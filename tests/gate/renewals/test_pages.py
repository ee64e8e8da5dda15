"""The pages of holders and reviewers about renewals and ends of access."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.gate.renewals.domain.decisions import return_renewal
from portal.gate.renewals.enums import RenewalState
from portal.gate.renewals.models import Renewal, Statement
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.renewals import REPORT, hand_in, make_renewal
from tests.gate.renewals.conftest import END, make_grant

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
TYPED = {
    "progress": REPORT.progress,
    "outputs": REPORT.outputs,
    "is_noncommercial": "yes",
    "incidents": REPORT.incidents,
}
STATED = {
    "destroyed_on": "2027-05-17",
    "legal_name": "Ada Byron",
    "is_destroyed": "on",
    "remarks": "",
}


@pytest.fixture
def page(client: Client, holder: User, clock: time_machine.Traveller) -> Client:
    """The holder's browser, two weeks before the end."""
    client.force_login(holder)
    return client


def test_the_access_page_says_when_to_renew(page: Client, grant: Grant) -> None:
    offered = b"Renew with a report"
    assert page.get("/access/").content.count(offered) == 1
    hand_in([grant])
    waiting = page.get("/access/").content
    assert (waiting.count(offered), waiting.count(b"Your report is with the reviewers.")) == (0, 1)
    assert waiting.count(b"continues until 1 June 2027") == 1


def test_a_report_is_handed_in_from_the_form(page: Client, grant: Grant) -> None:
    assert page.get("/access/renew/").status_code == 200
    response = page.post("/access/renew/", {**TYPED, "grants": [grant.pk]})
    renewal = Renewal.objects.get()
    assert response.headers["Location"] == f"/access/renewals/{renewal.pk}/"
    assert (renewal.state, list(renewal.grants.all())) == (RenewalState.SUBMITTED, [grant])
    assert page.get(f"/access/renewals/{renewal.pk}/").status_code == 200
    # Submitted twice: the second time leads to the first.
    again = page.post("/access/renew/", {**TYPED, "grants": [grant.pk]})
    assert again.headers["Location"] == f"/access/renewals/{renewal.pk}/"


@pytest.mark.parametrize("name", [*TYPED, "grants"])
def test_an_empty_field_is_named_and_nothing_is_lost(page: Client, grant: Grant, name: str) -> None:
    typed = {**TYPED, "grants": [grant.pk]}
    del typed[name]
    response = page.post("/access/renew/", typed)
    assert (response.status_code, list(response.context["form"].errors)) == (422, [name])
    assert Renewal.objects.count() == 0


def test_a_returned_report_begins_with_what_was_written(
    page: Client, grant: Grant, reviewers: tuple[User, User]
) -> None:
    renewal = hand_in([grant])
    return_renewal(renewal, by=reviewers[0], note="Which outputs?")
    form = page.get("/access/renew/")
    assert form.content.count(b"Which outputs?") == 1
    assert form.context["form"].initial["progress"] == REPORT.progress
    stale = page.post("/access/renew/", {**TYPED, "seen": 0})
    assert stale.headers["Location"] == "/access/"
    page.post("/access/renew/", {**TYPED, "seen": renewal.revision, "outputs": "A data set."})
    renewal.refresh_from_db()
    assert (renewal.state, renewal.reports.last().outputs) == (  # type: ignore[union-attr]
        RenewalState.SUBMITTED,
        "A data set.",
    )


def test_outside_of_the_window_there_is_no_form(
    page: Client, grant: Grant, clock: time_machine.Traveller
) -> None:
    clock.move_to(END - 90 * DAY)
    assert page.get("/access/renew/").headers["Location"] == "/access/"


def test_a_renewal_is_withdrawn_after_a_question(page: Client, grant: Grant) -> None:
    renewal = hand_in([grant])
    assert page.get(f"/access/renewals/{renewal.pk}/withdraw/").status_code == 200
    page.post(f"/access/renewals/{renewal.pk}/withdraw/")
    renewal.refresh_from_db()
    assert renewal.state == RenewalState.WITHDRAWN


def test_a_grant_is_given_back_after_a_question(page: Client, grant: Grant) -> None:
    address = f"/access/grants/{grant.pk}/give-back/"
    assert page.get("/access/").content.count(address.encode()) == 1
    assert page.get(address).status_code == 200
    page.post(address)
    grant.refresh_from_db()
    assert grant.state == GrantState.CLOSED
    assert page.get("/access/").content.count(address.encode()) == 0


def test_with_weights_the_page_asks_for_the_statement(page: Client, holder: User) -> None:
    grant = make_grant(holder, weights=True)
    address = f"/access/grants/{grant.pk}/give-back/"
    assert page.post(address).status_code == 422
    grant.refresh_from_db()
    assert grant.state == GrantState.ACTIVE
    page.post(address, STATED)
    assert Statement.objects.get().grant == grant


def test_a_statement_is_made_after_the_end_and_shown(
    page: Client, holder: User, clock: time_machine.Traveller
) -> None:
    grant = make_grant(holder, weights=True)
    address = f"/access/grants/{grant.pk}/statement/"
    assert page.get(address).headers["Location"] == "/access/"
    clock.move_to(END)
    page.force_login(holder)
    assert page.get("/access/").content.count(f'data-owed="{grant.pk}"'.encode()) == 1
    assert page.get(address).status_code == 200
    page.post(address, STATED)
    shown = page.get(address)
    assert (shown.status_code, shown.content.count(b"Stated by")) == (200, 1)
    assert page.get("/access/").content.count(b"data-owed") == 0


@pytest.mark.parametrize("path", ["renewals/{renewal}/", "grants/{grant}/give-back/"])
def test_nobody_sees_what_belongs_to_others(
    path: str, client: Client, clock: time_machine.Traveller, grant: Grant
) -> None:
    renewal = hand_in([grant])
    client.force_login(UserFactory.create(is_reviewer=True))
    address = f"/access/{path.format(renewal=renewal.pk, grant=grant.pk)}"
    assert client.get(address).status_code == 404


@pytest.fixture
def console(client: Client, reviewers: tuple[User, User], clock: time_machine.Traveller) -> Client:
    """A reviewer's browser."""
    client.force_login(reviewers[0])
    return client


def test_a_reviewer_approves_from_the_page(console: Client, grant: Grant) -> None:
    renewal = hand_in([grant])
    shown = console.get(f"/console/renewals/{renewal.pk}/")
    assert shown.context["forms"]["approve"]["ends_on"].value().isoformat() == "2028-05-31"
    response = console.post(
        f"/console/renewals/{renewal.pk}/approve/",
        {"approve-seen": renewal.revision, "approve-ends_on": "2028-05-31", "approve-note": ""},
    )
    assert response.status_code == 302
    grant.refresh_from_db()
    assert grant.ends_at.isoformat() == "2028-05-31T23:59:59+00:00"


@pytest.mark.parametrize(
    ("command", "typed", "state"),
    [
        ("claim", {}, RenewalState.IN_REVIEW),
        ("return", {"return-note": "More."}, RenewalState.RETURNED),
        ("refuse", {"refuse-reason": "Commercial."}, RenewalState.REFUSED),
    ],
)
def test_a_reviewers_commands_have_buttons(
    console: Client, grant: Grant, command: str, typed: dict[str, str], state: RenewalState
) -> None:
    renewal = hand_in([grant])
    address = f"/console/renewals/{renewal.pk}/{command}/"
    assert console.get(f"/console/renewals/{renewal.pk}/").content.count(address.encode()) == 1
    console.post(address, {f"{command}-seen": renewal.revision, **typed})
    renewal.refresh_from_db()
    assert renewal.state == state
    assert console.get(f"/console/renewals/{renewal.pk}/").status_code == 200


def test_whoever_approved_first_is_not_asked_again(console: Client, holder: User) -> None:
    renewal = hand_in([make_grant(holder, name="Large", two_reviewers=True)])
    address = f"/console/renewals/{renewal.pk}/"
    data = {"approve-seen": renewal.revision, "approve-ends_on": "2028-05-31", "approve-note": ""}
    console.post(f"{address}approve/", data)
    page = console.get(address).content.decode()
    assert page.count("First approval until 31 May 2028") == 1
    assert page.count("You have approved. Another reviewer must agree") == 1
    assert page.count('data-decision="approve"') == 0
    late = console.post(f"{address}approve/", {**data, "approve-seen": renewal.revision + 1})
    assert late.status_code == 422
    assert late.content.decode().count("You have already approved this.") == 1


def test_a_decision_on_what_moved_meanwhile_keeps_the_text(console: Client, grant: Grant) -> None:
    renewal = hand_in([grant])
    response = console.post(
        f"/console/renewals/{renewal.pk}/refuse/", {"refuse-seen": 0, "refuse-reason": "Typed."}
    )
    assert (response.status_code, response.content.count(b"Typed.")) == (409, 1)


def test_ones_own_renewal_has_no_buttons(
    client: Client, holder: User, clock: time_machine.Traveller, grant: Grant
) -> None:
    renewal = hand_in([grant])
    User.objects.filter(pk=holder.pk).update(is_reviewer=True)
    client.force_login(holder)
    page = client.get(f"/console/renewals/{renewal.pk}/")
    assert (page.context["offered"], page.content.count(b"You cannot decide on this.")) == ([], 1)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(("path", "queries"), [("renewals/", 13), ("closeouts/", 14)])
def test_the_lists_ask_the_same_number_of_questions(
    console: Client,
    reviewers: tuple[User, User],
    clock: time_machine.Traveller,
    django_assert_num_queries: DjangoAssertNumQueries,
    path: str,
    queries: int,
    rows: int,
) -> None:
    for number in range(rows):
        grant = make_grant(UserFactory.create(), name=f"Model {number}", weights=True)
        hand_in([grant])
    if path == "closeouts/":
        clock.move_to(END + DAY)
        console.force_login(reviewers[0])
    with django_assert_num_queries(queries):
        page = console.get(f"/console/{path}")
    assert len(page.context["rows"]) == rows


def test_a_former_holder_is_asked_from_the_list(
    console: Client, holder: User, reviewers: tuple[User, User], clock: time_machine.Traveller
) -> None:
    grant = make_grant(holder, weights=True)
    clock.move_to(END)
    console.force_login(reviewers[0])
    console.post(f"/console/closeouts/{grant.pk}/ask/")
    (row,) = console.get("/console/closeouts/").context["rows"]
    assert row[0].asked_at == timezone.now()


def test_a_decided_renewal_is_found_by_its_state(
    console: Client, grant: Grant, holder: User
) -> None:
    make_renewal(grant, RenewalState.REFUSED)
    make_renewal(grant, RenewalState.APPROVED)
    listed: Callable[[str], int] = lambda query: len(  # noqa: E731
        console.get(f"/console/renewals/?{query}").context["rows"]
    )
    counts = [listed(q) for q in ("", "state=refused", "state=all", "state=all&q=byron", "q=x")]
    assert counts == [0, 1, 2, 2, 0]
