"""JSON in pieces is the JSON that Python writes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.platform.core.json_writing import SLICE, write_json

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=VALUES)
def test_it_is_what_python_writes(value: Any) -> None:
    assert write_json(value) == json.dumps(value).encode()


@pytest.mark.parametrize("length", [SLICE - 1, SLICE, SLICE + 1, 3 * SLICE])
def test_long_lists_are_whole(length: int) -> None:
    value = {"ids": list(range(length)), "pairs": [[each, {}] for each in range(length)]}
    assert write_json(value) == json.dumps(value).encode()


def test_what_json_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json({"logprobs": [0.0, float("nan")]})
    with pytest.raises(TypeError):
        write_json({1: 2})
