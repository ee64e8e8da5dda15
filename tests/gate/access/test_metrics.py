"""The metrics of the review process, calculated from its history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.gate.access.domain.numbers.metrics import (
    Expiry,
    Reason,
    Share,
    Week,
    measure_process,
)
from portal.gate.access.domain.numbers.waits import StageWaits, Waits, measure_waits
from portal.gate.access.enums import ApplicationState, Command, GrantState, ReasonCode, Sector
from portal.gate.access.models import Application
from tests.factories.access import ApplicationFactory, GrantFactory, RulingFactory, StepFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
SINCE = NOW - 90 * DAY


def answer(application: Application, command: Command, *, hours_ago: float, waited: float) -> None:
    at = NOW - hours_ago * HOUR
    RulingFactory.create(
        step__application=application,
        step__command=command,
        step__at=at,
        waited=waited * HOUR,
        reason_code=ReasonCode.INCOMPLETE if command != Command.APPROVE else "",
    )


def test_weeks_count_what_happened_and_leave_none_out() -> None:
    application = ApplicationFactory.create()
    StepFactory.create(application=application, command=Command.SUBMIT, at=MONDAY - 14 * DAY)
    StepFactory.create(application=application, command=Command.SUBMIT, at=MONDAY + HOUR)
    answer(application, Command.RETURN, hours_ago=2, waited=10)
    answer(application, Command.APPROVE, hours_ago=1, waited=20)
    RulingFactory.create(step__application=application, step__at=NOW - HOUR, taken_back_at=NOW)
    assert measure_process(since=SINCE, until=NOW).weeks == [
        Week(MONDAY - 14 * DAY, 1, 0, 0, 0, None, None),
        Week(MONDAY - 7 * DAY, 0, 0, 0, 0, None, None),
        Week(MONDAY, 1, 1, 0, 1, 15.0, 19.0),
    ]


def test_each_stage_is_measured_and_the_first_is_what_the_public_reads() -> None:
    application = ApplicationFactory.create()
    for command, hours_ago in (
        (Command.SUBMIT, 100), (Command.CLAIM, 70), (Command.SUBMIT, 30),
        (Command.CLAIM, 24), (Command.ENDORSE, 20),
    ):  # fmt: skip
        StepFactory.create(application=application, command=command, at=NOW - hours_ago * HOUR)
    answer(application, Command.RETURN, hours_ago=60, waited=40)
    answer(application, Command.APPROVE, hours_ago=10, waited=20)
    stages = measure_process(since=SINCE, until=NOW).stages
    assert [(stage.name, stage.waits) for stage in stages] == [
        ("waited", Waits(2, 30.0, 38.0)),
        ("to_claim", Waits(2, 18.0, 27.6)),
        ("on_desk", Waits(2, 12.0, 13.6)),
        ("to_second", Waits(1, 10.0, 10.0)),
        ("with_applicant", Waits(1, 30.0, 30.0)),
    ]
    assert stages[0].waits == measure_waits(at=NOW)


def test_a_stage_that_nobody_passed_has_no_wait() -> None:
    stages = measure_process(since=SINCE, until=NOW).stages
    assert [stage.waits for stage in stages] == [None] * 5
    assert isinstance(stages[0], StageWaits)


def test_shares_tell_countries_and_kinds_apart_from_five_decisions_on() -> None:
    def decide(state: ApplicationState, count: int, country: str, sector: str) -> None:
        for _ in range(count):
            ApplicationFactory.create(
                state=state, country=country, sector=sector, decided_at=NOW - HOUR
            )

    decide(ApplicationState.APPROVED, 3, "KE", Sector.UNIVERSITY)
    decide(ApplicationState.REJECTED, 2, "KE", Sector.UNIVERSITY)
    decide(ApplicationState.APPROVED, 4, "NO", Sector.INDUSTRY)
    decide(ApplicationState.REJECTED, 4, "CH", "")
    measured = measure_process(since=SINCE, until=NOW)
    assert measured.countries == [
        Share("Kenya", approved=3, rejected=2),
        Share("Others, 2 with fewer than 5 each", approved=4, rejected=4),
    ]
    assert [share.percent for share in measured.countries] == [60.0, 50.0]
    assert measured.sectors[0] == Share("University", approved=3, rejected=2)
    alone = Share("Others, 1 with fewer than 5 each", approved=4, rejected=0)
    assert (alone.is_small, alone.percent) == (True, None)


def test_reasons_are_counted_by_command() -> None:
    application = ApplicationFactory.create()
    answer(application, Command.REJECT, hours_ago=3, waited=1)
    answer(application, Command.RETURN, hours_ago=2, waited=1)
    answer(application, Command.RETURN, hours_ago=1, waited=1)
    reasons = measure_process(since=SINCE, until=NOW).reasons
    assert reasons == [Reason("Something is missing", rejected=1, returned=2)]


def test_grants_that_end_soon_are_counted_by_model() -> None:
    grant = GrantFactory.create(ends_at=NOW + 6 * DAY, starts_at=SINCE)
    for days, state in ((7, "active"), (29, "active"), (91, "active"), (3, "suspended")):
        GrantFactory.create(
            model=grant.model,
            ends_at=NOW + days * DAY,
            starts_at=SINCE,
            state=GrantState(state),
        )
    expiring = measure_process(since=SINCE, until=NOW).expiring
    assert expiring == [Expiry(grant.model.name, (2, 3, 3))]
