"""Create API keys for the people of a running stack, and print them as JSON.

python -m benchmarks.keys COUNT
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.stack import Stack

MODEL = "smollm2-135m"
PERSON = r"^person[0-9]+@example\.org$"
"""The email addresses that `benchmarks.people` creates."""
NAME = "A key of the benchmark"


def issue_keys(stack: Stack, count: int, *, reviews: bool = False) -> list[str]:
    """A key for each of the first people of the stack, who all have access to the model.

    With `reviews` they become reviewers, and their keys can also decide.
    """
    done = subprocess.run(
        [stack.place.python, "-m", "benchmarks.keys", str(count), *["reviews"] * reviews],
        env=dict(stack.programs["web"].environment), cwd=stack.place.root,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip
    keys: list[str] = json.loads(done.stdout)
    return keys


def main(count: int, *, reviews: bool) -> None:
    import django  # noqa: PLC0415 -- a caller of `issue_keys` needs no settings

    django.setup()
    # After the settings are read.
    from portal.gate.access.capabilities import RESEARCH_SCOPES  # noqa: PLC0415
    from portal.gate.access.enums import KeyScope  # noqa: PLC0415
    from portal.gate.access.models import Grant  # noqa: PLC0415
    from portal.gate.keys.domain.lifecycle import issue_key  # noqa: PLC0415

    grants = Grant.objects.filter(model__slug=MODEL, user__email__regex=PERSON)
    people = [grant.user for grant in grants.select_related("user").order_by("pk")[:count]]
    scopes = RESEARCH_SCOPES
    if reviews:
        scopes = tuple(KeyScope)
        for person in people:
            person.is_reviewer = True
            person.save(update_fields=["is_reviewer"])
    print(json.dumps([issue_key(user, name=NAME, scopes=scopes).text for user in people]))


if __name__ == "__main__":
    main(int(sys.argv[1]), reviews="reviews" in sys.argv)
