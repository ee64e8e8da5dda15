"""What a person may fetch, how far they have come, and with which commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from portal.gate.access.domain.decide import Decision, decide
from portal.gate.access.enums import Capability
from portal.library.weights.domain.fetching import GIGABYTE, sum_day
from portal.library.weights.domain.holdings import find_progress
from portal.library.weights.models import File, Revision
from portal.platform.accounts.models import User

BITS: Final = 8
LINES: Final = ((100_000_000, "100 Mbit/s"), (1_000_000_000, "1 Gbit/s"))


@dataclass(frozen=True)
class Command:
    """Lines for a terminal, with a label."""

    label: str
    lines: str
    note: str = ""


@dataclass(frozen=True)
class FileRow:
    """A file, and the bytes of it that the person has."""

    file: File
    have: int

    @property
    def is_whole(self) -> bool:
        return self.have >= self.file.size

    @property
    def percent(self) -> int:
        return 100 * self.have // self.file.size if self.file.size else 0


@dataclass(frozen=True)
class Offer:
    """A revision as one person sees it. Of open files no downloads are recorded."""

    revision: Revision
    decision: Decision
    rows: Sequence[FileRow]

    @property
    def size(self) -> int:
        return sum(row.file.size for row in self.rows)

    @property
    def closed(self) -> list[FileRow]:
        return [row for row in self.rows if not row.file.is_open]

    @property
    def closed_size(self) -> int:
        return sum(row.file.size for row in self.closed)

    @property
    def have(self) -> int:
        return sum(row.have for row in self.closed)

    @property
    def whole_files(self) -> int:
        """Of those that need a grant; only files of which something was sent count."""
        return sum(row.is_whole and row.have > 0 for row in self.closed)

    @property
    def percent(self) -> int:
        return 100 * self.have // self.closed_size if self.closed_size else 0

    @property
    def seconds(self) -> list[tuple[str, int]]:
        """How long it takes over two kinds of line."""
        return [(label, -(-self.size * BITS // rate)) for rate, label in LINES]


@dataclass(frozen=True)
class Day:
    """A person's bytes of the last 24 hours, and the limit."""

    used: int
    limit: int


def list_offers(user: User, *, at: datetime) -> list[Offer]:
    """The newest revision of every repository, those open to the person first."""
    newest = (
        Revision.objects.order_by("repository", "-number")
        .distinct("repository")
        .select_related("repository__model__release__licence")
    )
    offers = [make_offer(user, revision, at=at) for revision in newest]
    return sorted(
        offers,
        key=lambda offer: (
            not offer.decision.allowed,
            offer.revision.repository.model.release.position,
            offer.revision.repository.model.position,
        ),
    )


def make_offer(user: User, revision: Revision, *, at: datetime) -> Offer:
    """The revision, whether it is open to the person, and what they have of it."""
    decision = decide(user, revision.repository.model, Capability.WEIGHTS, at)
    progress = find_progress(user, revision)
    rows = [FileRow(file, progress.get(file.pk, 0)) for file in revision.files.all()]
    return Offer(revision, decision, rows)


def describe_day(user: User, *, at: datetime) -> Day:
    """The person's share of the day's bytes."""
    return Day(sum_day(user, at=at), settings.WEIGHTS_GB_PER_DAY * GIGABYTE)


def list_commands(offer: Offer) -> list[Command]:
    """The commands that fetch and check the revision; none of them contains a key."""
    repo, name = str(offer.revision.repository), offer.revision.name
    hub = f"{settings.SITE_URL}/hub"
    example = max(offer.rows, key=lambda row: row.file.size).file
    file = example.path.rpartition("/")[2]
    url = f"{hub}/{repo}/resolve/{offer.revision.commit}/{example.path}"
    return [
        Command(
            "Once for each terminal",
            f"export HF_ENDPOINT={hub}\nread -rs HF_TOKEN && export HF_TOKEN",
            "The second line waits for you to paste a key with the scope weights, and does not "
            "show it.",
        ),
        Command(
            "Fetch",
            f"hf download {repo} --revision {name}",
            "Run it again after an interruption: whole files are not fetched twice.",
        ),
        Command(
            "Check",
            f"hf cache verify {repo} --revision {name}",
            "Clients do not check what they have fetched; this command does. For a file that "
            "is wrong, run hf download again with --force-download.",
        ),
        Command(
            "Load",
            f'python -c "from transformers import AutoModelForCausalLM as Model; '
            f"Model.from_pretrained('{repo}', revision='{name}')\"\n"
            f"vllm serve {repo} --revision {name}",
        ),
        Command(
            "One file with curl",
            f'curl -fL -C - -H "Authorization: Bearer $HF_TOKEN" -o {file} \\\n  {url}\n'
            f'echo "{example.sha256}  {file}" | sha256sum -c',
            "curl continues where it stopped, even after a restart.",
        ),
    ]


def write_checksums(revision: Revision) -> str:
    """One line for each file, as `sha256sum -c` reads them."""
    return "".join(f"{file.sha256}  {file.path}\n" for file in revision.files.all())
