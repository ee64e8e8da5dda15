"""Tables of permitted commands, made by trying them all, and compared with a committed file.

After a deliberate change of the rules, run the test with UPDATE_COMMAND_MATRIX=1 and read the
difference.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from django.db import transaction

from portal.platform.core.errors import DomainError


def try_out(call: Callable[[], object], outcome: Callable[[], str]) -> str:
    """The result of a command: `outcome` after it, or the code of its refusal; rolled back."""
    with transaction.atomic():
        try:
            with transaction.atomic():
                call()
            result = f"-> {outcome()}"
        except DomainError as error:
            result = error.code
        transaction.set_rollback(True)
    return result


def compare(lines: Iterable[str], committed: Path) -> None:
    """Fail if the lines differ from those of the committed file."""
    found = list(lines)
    if "UPDATE_COMMAND_MATRIX" in os.environ:
        committed.write_text("\n".join(found) + "\n")
    assert found == committed.read_text().splitlines()
