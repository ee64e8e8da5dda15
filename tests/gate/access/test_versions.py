from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.gate.access.domain.process.applications import Answers, open_draft, submit_application
from portal.gate.access.domain.process.reviews import return_application
from portal.gate.access.domain.process.versions import Segment, compare_versions, diff_words
from portal.platform.accounts.models import User

texts = st.text(alphabet="ab \n", max_size=40)


@given(old=texts, new=texts)
def test_a_comparison_gives_both_texts_back(old: str, new: str) -> None:
    segments = diff_words(old, new)
    assert "".join(s.text for s in segments if s.kind != "added") == old
    assert "".join(s.text for s in segments if s.kind != "removed") == new


@pytest.mark.django_db
def test_each_submission_is_kept_and_the_change_is_told_word_by_word(
    signed_applicant: User, reviewer: User, answers: Callable[..., Answers]
) -> None:
    application = open_draft(signed_applicant)
    submit_application(
        application, by=signed_applicant, answers=answers(intended_use="Measuring scale.")
    )
    return_application(application, by=reviewer, note="Say more.")
    submit_application(
        application, by=signed_applicant, answers=answers(intended_use="Measuring model scale.")
    )
    first, second = application.versions.all()
    assert (first.number, second.number) == (1, 2)
    (change,) = compare_versions(first, second)
    assert (change.label, change.segments) == (
        "Intended use",
        (Segment("same", "Measuring "), Segment("added", "model "), Segment("same", "scale.")),
    )
