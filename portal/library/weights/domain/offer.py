"""What a person may fetch, how far they have come, and with which commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from shlex import quote as quote_word
from typing import Final
from urllib.parse import quote

from django.conf import settings
from django.db.models import Count, Q, Sum

from portal.gate.access.domain.decide import Decision, decide
from portal.gate.access.enums import Capability
from portal.library.weights.domain.fetching import GIGABYTE, sum_day
from portal.library.weights.domain.holdings import find_progress, list_fetched
from portal.library.weights.domain.lookup import ROWS, WEIGHTS
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
        return _percent(self.have, self.file.size)

    @property
    def open_url(self) -> str:
        """Where anybody can fetch the file; empty if it needs a grant."""
        return _url_of(self.file) if self.file.is_open else ""


@dataclass(frozen=True)
class Offer:
    """A revision as one person sees it. Of open files no downloads are recorded."""

    revision: Revision
    decision: Decision
    files: int
    size: int
    closed_files: int
    """Those that need a grant."""
    closed_size: int
    whole_files: int
    have: int
    """Bytes of the files that need a grant."""

    @property
    def percent(self) -> int:
        return _percent(self.have, self.closed_size)

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
    """The newest weights of every model, those open to the person first."""
    newest = ROWS.filter(WEIGHTS).order_by("repository", "-number").distinct("repository")
    return sorted(
        make_offers(user, list(newest), at=at),
        key=lambda offer: (
            not offer.decision.allowed,
            offer.revision.repository.model.release.position,
            offer.revision.repository.model.position,
        ),
    )


def make_offers(user: User, revisions: Sequence[Revision], *, at: datetime) -> list[Offer]:
    """The revisions, whether each is open to the person, and what they have of it.

    Two queries, and those of `decide` for each revision.
    """
    closed = Q(is_open=False)
    sums = File.objects.filter(revision__in=revisions).order_by().values("revision")
    of_revision = {
        row["revision"]: row
        for row in sums.annotate(
            files=Count("pk"),
            bytes=Sum("size"),
            closed_files=Count("pk", filter=closed),
            closed_size=Sum("size", filter=closed, default=0),
        )
    }
    fetched = {
        each.revision_id: each
        for each in list_fetched([(user.pk, revision.pk) for revision in revisions])
    }
    offers = []
    for revision in revisions:
        row, own = of_revision[revision.pk], fetched.get(revision.pk)
        offers.append(
            Offer(
                revision,
                decide(user, revision.repository.model, Capability.WEIGHTS, at),
                files=row["files"],
                size=row["bytes"],
                closed_files=row["closed_files"],
                closed_size=row["closed_size"],
                whole_files=own.whole_files if own else 0,
                have=own.have if own else 0,
            )
        )
    return offers


def make_offer(user: User, revision: Revision, *, at: datetime) -> Offer:
    """The same for one revision."""
    (offer,) = make_offers(user, [revision], at=at)
    return offer


def list_rows(user: User, revision: Revision, files: Iterable[File]) -> list[FileRow]:
    """The files with what the person has of each."""
    progress = find_progress(user, revision)
    return [FileRow(file, progress.get(file.pk, 0)) for file in files]


def describe_day(user: User, *, at: datetime) -> Day:
    """The person's share of the day's bytes."""
    return Day(sum_day(user, at=at), settings.WEIGHTS_GB_PER_DAY * GIGABYTE)


def list_commands(offer: Offer) -> list[Command]:
    """The commands that fetch and check the revision; none of them contains a key."""
    repo, name = str(offer.revision.repository), offer.revision.name
    hub = f"{settings.SITE_URL}/hub"
    example = offer.revision.files.latest("size", "pk")
    file = example.path.rpartition("/")[2]
    return [
        Command(
            "Once for each terminal",
            f"export HF_ENDPOINT={hub}\nhf auth login",
            "The second line prints a link and a code, which you confirm in your browser, and "
            "keeps the key for 30 days. For programs and older clients, set HF_TOKEN to a key "
            "with the scope weights instead.",
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
            f'curl -fL -C - -H "Authorization: Bearer $HF_TOKEN" -o {quote_word(file)} \\\n'
            f"  {_url_of(example)}\n{_check_of(example, file)}",
            "curl continues where it stopped, even after a restart.",
        ),
    ]


def list_link_commands(offer: Offer, base: str) -> list[Command]:
    """The same for tools that know no keys, with links that begin with `base`.

    Lists are fetched without `-f`, so that a refusal is shown by the tool that reads them.
    """
    folder = offer.revision.repository.model.slug
    largest = offer.revision.files.latest("size", "pk")
    name = largest.path.rpartition("/")[2]
    return [
        Command(
            "aria2",
            f"curl -sS '{base}/aria2.txt' | \\\n"
            f"  aria2c -i - -d {folder} -c --auto-save-interval=10 --max-concurrent-downloads=4",
            "Continues every file where it stopped, and checks its SHA-256.",
        ),
        Command(
            "wget",
            f"curl -sS '{base}/urls.txt' | \\\n  wget -c -x -nH --cut-dirs=4 -P {folder} -i -",
            "Continues every file where it stopped. Then check:",
        ),
        Command("Check", f"(cd {folder} && curl -sS '{base}/SHA256SUMS' | sha256sum -c)"),
        Command(
            "curl, for one file",
            f"curl -fL -C - -o {quote_word(name)} '{base}/files/{quote(largest.path)}'\n"
            f"{_check_of(largest, name)}",
            "Continues where it stopped; 416 means that nothing was missing. After 403, the link "
            "without -f and -o shows the reason.",
        ),
    ]


def write_checksums(revision: Revision) -> str:
    """One line for each file, as `sha256sum -c` reads them."""
    return "".join(f"{file.sha256}  {file.path}\n" for file in revision.files.all())


def _check_of(file: File, name: str) -> str:
    return f"echo {quote_word(f'{file.sha256}  {name}')} | sha256sum -c"


def _url_of(file: File) -> str:
    revision, path = file.revision, quote(file.path)
    return f"{settings.SITE_URL}/hub/{revision.repository}/resolve/{revision.commit}/{path}"


def _percent(part: int, whole: int) -> int:
    return 100 * part // whole if whole else 0
