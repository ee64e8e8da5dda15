"""How vouchers answered, as a table on the metrics page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.gate.vouching.domain.response import tabulate_response
from portal.gate.vouching.enums import Answer, RequestState, VouchKind
from tests.factories.vouching import VouchRequestFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANSWERED = {"state": RequestState.ANSWERED, "text": "I know them."}


def test_answers_are_counted_by_who_was_asked() -> None:
    for hours, answer in ((2, Answer.CONFIRM), (4, Answer.NOT_ME)):
        answered_at = NOON + timedelta(hours=hours)
        VouchRequestFactory.create(sent_at=NOON, answered_at=answered_at, answer=answer, **ANSWERED)
    VouchRequestFactory.create(sent_at=NOON, state=RequestState.ASKED)
    VouchRequestFactory.create(sent_at=NOON - timedelta(days=40), state=RequestState.ASKED)
    VouchRequestFactory.create(kind=VouchKind.OFFICIAL)

    table = tabulate_response(since=NOON - timedelta(days=30), until=NOON)

    assert table.rows == (
        ("Referee", 3, 2, 1, 66.7, 3.0),
        ("Signing official", 0, 0, 0, None, None),
    )
