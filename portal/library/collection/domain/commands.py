"""The commands that fetch a revision with the Hub's clients; none of them contains a key."""

from __future__ import annotations

from django.conf import settings

from portal.library.weights.domain.offer import Command
from portal.library.weights.enums import Audience, RepositoryKind
from portal.library.weights.models import Revision

KEY = "\nread -rs HF_TOKEN && export HF_TOKEN"


def list_commands(revision: Revision) -> list[Command]:
    repository = revision.repository
    is_public = repository.audience == Audience.PUBLIC
    commands = [
        Command(
            "Once for each terminal",
            f"export HF_ENDPOINT={settings.SITE_URL}/hub{'' if is_public else KEY}",
            "No key is needed."
            if is_public
            else "The second line waits for you to paste a key, with any scope.",
        ),
        Command(
            "Fetch",
            f"hf download {repository} --repo-type dataset --revision {revision.name}",
            "The Hub's clients call everything a dataset that is not a model.",
        ),
    ]
    if repository.kind == RepositoryKind.DATA:
        load = f"load_dataset('{repository}', revision='{revision.name}')"
        commands.append(
            Command("Load", f'python -c "from datasets import load_dataset; print({load})"')
        )
    return commands
