"""What a holder fetched under grants with weights, from the capability that serves them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from portal.gate.access.models import Grant


@dataclass(frozen=True)
class Holding:
    """A revision of which a person has fetched bytes."""

    revision: str
    commit: str
    whole_files: int
    files: int
    """Those that need a grant."""
    bytes: int


Owner = tuple[int, int]
"""A person's id and a model's: a newer grant continues the older ones."""
Finder = Callable[[Collection[Owner]], Mapping[Owner, Sequence[Holding]]]
_FINDERS: list[Finder] = []


def register_holdings(find: Finder) -> None:
    """Let a capability above this one say what was fetched."""
    _FINDERS.append(find)


def list_holdings(grants: Collection[Grant]) -> dict[int, list[Holding]]:
    """What the holder of each grant has fetched of its model, by the grant's id."""
    owners = {(grant.user_id, grant.model_id) for grant in grants}
    found: dict[Owner, list[Holding]] = {owner: [] for owner in owners}
    for find in _FINDERS if owners else ():
        for owner, holdings in find(owners).items():
            found[owner] += holdings
    return {grant.pk: found[grant.user_id, grant.model_id] for grant in grants}
