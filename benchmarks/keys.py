"""API keys for people of a running stack, printed as JSON.

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
NAME = "A key of the benchmark"


def issue_keys(stack: Stack, count: int) -> list[str]:
    """Keys of as many new people, each of whom may use the model."""
    done = subprocess.run(
        [stack.place.python, "-m", "benchmarks.keys", str(count)],
        env=dict(stack.programs["web"].environment), cwd=stack.place.root,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip
    keys: list[str] = json.loads(done.stdout)
    return keys


def main(count: int) -> None:
    import django  # noqa: PLC0415 -- whoever only asks for keys needs no settings

    django.setup()
    from portal.catalog.models import HostedModel  # noqa: PLC0415 -- after the settings are read
    from portal.keys.domain.lifecycle import issue_key  # noqa: PLC0415
    from portal.keys.enums import KeyScope  # noqa: PLC0415
    from tests.factories.jobs import make_researcher  # noqa: PLC0415

    model = HostedModel.objects.select_related("release__licence").get(slug=MODEL)
    keys = []
    for _ in range(count):
        user, _ = make_researcher(model)
        keys.append(issue_key(user, name=NAME, scopes=list(KeyScope)).text)
    print(json.dumps(keys))


if __name__ == "__main__":
    main(int(sys.argv[1]))
