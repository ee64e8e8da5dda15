"""The one table of refusals, and the page of the docs that is made from it.

After a deliberate change run this file with UPDATE_COMMAND_MATRIX=1 and read the difference.
"""

from __future__ import annotations

from inference_workers.contract import FailureCode
from portal.gate.access.enums import Code
from portal.platform.core.refusals import RefusalCode
from tests.matrices import compare
from tests.plugin import ROOT

PAGE = ROOT / "docs" / "refusals.md"
HEAD = """# Refusals

Every reason for a refusal, as in `portal/platform/core/refusals.py`. The code is stable; the
message that comes with it says what to do. Programs get the status; where they get 400, a page
shows its form again with 422.

| code | status | meaning |
|---|---|---|"""


def test_the_page_lists_every_code() -> None:
    rows = [
        f"| `{code}` | {code.shape.status:d} | {code.meaning} |"
        for code in sorted(RefusalCode, key=lambda code: (code.shape.status, code))
    ]

    compare([*HEAD.splitlines(), *rows], PAGE)


def test_a_code_is_a_text_that_is_found_by_it() -> None:
    assert [RefusalCode(str(code)) for code in RefusalCode] == list(RefusalCode)
    assert [code for code in RefusalCode if not code.meaning.endswith(".")] == []


def test_what_others_name_is_in_the_table() -> None:
    assert (set(Code) - {Code.OK}) | set(FailureCode) <= set(RefusalCode)
