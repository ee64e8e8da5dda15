"""`python -m demo.site_data`: migrate, load the release, make accounts and a key, publish weights.

All in one process, because importing Django three times takes longer than the work. Prints
`{"accounts": output of seed_demo, "api_key": the researcher's key, "model": the live model's id}`.
"""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command

from demo.model_choice import PACKAGED_MODEL

KEY_OF = "researcher"
OPEN_FILES = ["*.json", "*.jinja"]
"""Of the live model's weights: what anybody may fetch without a grant."""


def main(live: str) -> None:
    django.setup()
    deployment = live.partition("=")[2] or PACKAGED_MODEL
    try:
        call_command("migrate", interactive=False, verbosity=1, stdout=sys.stderr)
        call_command("load_release", live=[live] if live else None, stdout=sys.stderr)
        call_command("load_logbook", stdout=sys.stderr)
        call_command("publish_library", stdout=sys.stderr)
        accounts: list[dict[str, str]] = json.loads(_print("seed_demo", json=True))
        _publish_weights(deployment)
        told = {
            "accounts": accounts,
            "api_key": _ensure_key(accounts),
            "model": _model_id(deployment),
        }
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None
    sys.stdout.write(f"{json.dumps(told)}\n")


def _ensure_key(accounts: list[dict[str, str]]) -> str:
    """The last start's key if it still works, so that scripts keep theirs over a restart."""
    (email,) = (account["email"] for account in accounts if account["role"] == KEY_OF)
    file = Path(settings.VAR_DIR) / "api_key"
    return _print("issue_key", email, name="Demo", keep_in=file).strip()


def _publish_weights(deployment: str) -> None:
    """Give out the live model's weights, hashed at the first start only."""
    models: Any = apps.get_model("catalog", "HostedModel")
    new = models.objects.filter(status="live", deployment=deployment, repository=None).first()
    folder = Path(settings.WEIGHTS_DIR) / deployment
    if new is None or not folder.is_dir():
        return
    try:
        call_command("publish_weights", new.slug, folder, open=OPEN_FILES, stdout=sys.stderr)
    except CommandError as error:
        # A folder of the visitor's own, which can be served nevertheless.
        sys.stderr.write(f"The weights are not given out: {error}\n")


def _model_id(deployment: str) -> str:
    models: Any = apps.get_model("catalog", "HostedModel")
    slug = models.objects.filter(status="live", deployment=deployment).values_list(
        "slug", flat=True
    )
    return str(slug.first() or "")


def _print(command: str, *arguments: str, **options: object) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out, **options)
    return out.getvalue()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
