"""`python -m demo.site_data`: migrate, load the release, make the demo's people.

One process, since importing Django three times takes longer than the work. Prints what
`seed_demo --json` prints.
"""

from __future__ import annotations

import sys

import django
from django.core.management import CommandError, call_command


def main(live: str) -> None:
    django.setup()
    try:
        call_command("migrate", interactive=False, verbosity=1, stdout=sys.stderr)
        call_command("load_release", live=[live] if live else None, stdout=sys.stderr)
        call_command("seed_demo", json=True)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
