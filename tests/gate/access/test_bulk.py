from __future__ import annotations

import pytest

from portal.gate.access.domain.desk.bulk import LIMIT, carry_out_bulk, try_bulk
from portal.gate.access.domain.desk.claims import claim_application
from portal.gate.access.enums import ApplicationState, Command
from portal.gate.access.models import Application, Step
from portal.gate.catalog.enums import Tier
from portal.platform.accounts.models import User
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory

pytestmark = pytest.mark.django_db


def seen(*applications: Application) -> dict[str, int]:
    return {row.case_number: row.revision for row in applications}


def told(application: Application, command: Command, by: User) -> tuple[bool, str]:
    (outcome,) = try_bulk(seen(application), command, by=by, note="Say more.")
    return outcome.is_done, outcome.message


def test_a_dry_run_says_what_would_happen_and_changes_nothing(reviewer: User) -> None:
    free, own = ApplicationFactory.create(), ApplicationFactory.create(applicant=reviewer)
    outcomes = try_bulk(seen(free, own), Command.CLAIM, by=reviewer)
    assert [(o.application, o.is_done) for o in outcomes] == [(free, True), (own, False)]
    free.refresh_from_db()
    assert (free.state, free.revision) == (ApplicationState.SUBMITTED, 0)
    assert (Step.objects.count(), AuditEvent.objects.count()) == (0, 0)


def test_each_gets_its_own_step_and_event_and_one_refusal_stops_no_other(reviewer: User) -> None:
    first, taken, last = ApplicationFactory.create_batch(3)
    cases = seen(first, taken, last)
    claim_application(taken, by=UserFactory.create(is_reviewer=True, name="Olga"))
    outcomes = carry_out_bulk(cases, Command.RETURN, by=reviewer, note="Say more.")
    assert [o.is_done for o in outcomes] == [True, False, True]
    assert outcomes[1].message.startswith(
        "Nothing was changed. This application is now “in review”: claimed by Olga on "
    )
    for row in (first, last):
        row.refresh_from_db()
        assert (row.state, row.steps.get().note) == (ApplicationState.RETURNED, "Say more.")
    assert AuditEvent.objects.filter(tag="access.application.returned").count() == 2


def test_nothing_that_two_reviewers_decide_is_done_in_bulk(reviewer: User) -> None:
    guarded = HostedModelFactory.create(tier=Tier.TWO_REVIEWERS, name="Large")
    application = ApplicationFactory.create(models_wanted=[guarded])
    assert told(application, Command.CLAIM, reviewer) == (
        False,
        "Large requires two reviewers. Open this application by itself.",
    )


@pytest.mark.parametrize("command", [Command.APPROVE, Command.REJECT, Command.TAKE_BACK])
def test_a_decision_about_a_person_is_never_made_in_bulk(reviewer: User, command: Command) -> None:
    with pytest.raises(DomainError) as refusal:
        carry_out_bulk(seen(ApplicationFactory.create()), command, by=reviewer)
    assert refusal.value.code == "not_in_bulk"


def test_there_is_an_end_to_how_many(reviewer: User) -> None:
    with pytest.raises(DomainError) as refusal:
        carry_out_bulk({f"GH-{n}": 0 for n in range(LIMIT + 1)}, Command.CLAIM, by=reviewer)
    assert refusal.value.code == "too_many"


def test_who_was_asked_is_reminded_a_week_later(reviewer: User) -> None:
    application = ApplicationFactory.create(state=ApplicationState.RETURNED)
    carry_out_bulk(seen(application), Command.REMIND, by=reviewer)
    application.refresh_from_db()
    is_done, message = told(application, Command.REMIND, reviewer)
    assert (is_done, message.endswith("Wait a week before asking again.")) == (False, True)
