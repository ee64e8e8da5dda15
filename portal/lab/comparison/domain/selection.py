"""The runs that an address names, as far as they are the person's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from portal.lab.jobs.models import GenerationJob
from portal.lab.notebook.domain.history import RunFilter, playground_runs
from portal.platform.accounts.models import User


@dataclass(frozen=True)
class Selection:
    """The runs in the order of the address, and how many others it names."""

    runs: tuple[GenerationJob, ...] = ()
    left_out: int = 0

    @property
    def is_active(self) -> bool:
        return any(run.is_active for run in self.runs)


def select_runs(
    user: User, named: Iterable[str], *, most: int, unread: tuple[str, ...] = ()
) -> Selection:
    """The first `most` of the named runs that the person made in the playground, in one query.

    `named` are the values of `runs` in an address: ids, or several with commas between them.
    `unread` are fields that nobody will read.
    """
    names = list(dict.fromkeys(name.strip() for value in named for name in value.split(",")))
    names = [name for name in names if name]
    ids = list(dict.fromkeys(_parse_ids(names)))
    found = playground_runs(user, RunFilter()).select_related("model").defer(*unread).in_bulk(ids)
    runs = tuple(found[id_] for id_ in ids if id_ in found)[:most]
    return Selection(runs, left_out=len(names) - len(runs))


def _parse_ids(names: Iterable[str]) -> Iterator[UUID]:
    for name in names:
        try:
            yield UUID(name)
        except ValueError:
            continue
