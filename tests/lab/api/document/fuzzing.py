"""A check for schemathesis, loaded by SCHEMATHESIS_HOOKS; see `test_fuzzing.py`."""

from __future__ import annotations

from typing import Any

import schemathesis

BEYOND_THE_STAND_IN = "engine_error"
"""The stand-in engine returns no log-probabilities, and the worker reports a failure."""


@schemathesis.check
def no_fault_of_ours(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    if response.status_code >= 500:
        code = response.json()["error"]["code"]
        assert code == BEYOND_THE_STAND_IN, f"{response.status_code} {code}"
