"""Who has fetched which files: a file is whole when the ranges that were sent cover it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from portal.gate.renewals.domain.holdings import Holding, Owner
from portal.library.weights.models import Revision
from portal.platform.accounts.models import User


@dataclass(frozen=True)
class Fetched:
    """What one person has fetched of one revision."""

    user_id: int
    revision_id: int
    whole_files: int
    files: int
    sent: int
    """All bytes that were sent, also those sent twice."""
    have: int
    """Those bytes of the files, each counted once."""
    first_at: datetime
    last_at: datetime


def list_fetched(pairs: Collection[tuple[int, int]]) -> list[Fetched]:
    """By person and revision, for pairs of their ids; one query."""
    if not pairs:
        return []
    users, revisions = zip(*pairs, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_FETCHED, {"users": list(users), "revisions": list(revisions)})
        return [Fetched(*row) for row in cursor.fetchall()]


def find_progress(user: User, revision: Revision) -> dict[int, int]:
    """The bytes that the person has of each file, by its id; files without any are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_PROGRESS, {"user": user.pk, "revision": revision.pk})
        return dict(cursor.fetchall())


def find_fetched(owners: Collection[Owner]) -> Mapping[Owner, Sequence[Holding]]:
    """What people have fetched of models, for the close-out of their grants."""
    users, models = zip(*owners, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_OF_MODELS, {"users": list(users), "models": list(models)})
        rows = cursor.fetchall()
    found: dict[Owner, list[Holding]] = {}
    for user, model, name, commit, whole, files, sent in rows:
        found.setdefault((user, model), []).append(Holding(name, commit, whole, files, sent))
    return found


# Written out: the ORM has no ranges of its own making. `have` is the union of the bytes sent.
_BY_FILE: Final = """
SELECT download.user_id, file.revision_id, file.id, file.size,
    range_agg(int8range(first_byte, first_byte + sent)) AS have,
    sum(sent)::bigint AS sent, min(started_at) AS first_at, max(seen_at) AS last_at
FROM weights_download download JOIN weights_file file ON file.id = download.file_id
WHERE {chosen}
GROUP BY download.user_id, file.id
"""
_SUMS: Final = """
count(*) FILTER (WHERE have @> int8range(0, size)),
(SELECT count(*) FROM weights_file f WHERE f.revision_id = by_file.revision_id AND NOT f.is_open),
sum(sent)::bigint
"""
_HAVE: Final = "(SELECT coalesce(sum(upper(part) - lower(part)), 0)::bigint FROM unnest(have) part)"
_FETCHED: Final = f"""
SELECT user_id, revision_id, {_SUMS}, sum({_HAVE})::bigint, min(first_at), max(last_at)
FROM ({
    _BY_FILE.format(
        chosen="(download.user_id, file.revision_id) IN "
        "(SELECT * FROM unnest(%(users)s::bigint[], %(revisions)s::bigint[]))"
    )
}) by_file
GROUP BY user_id, revision_id
ORDER BY max(last_at) DESC
"""  # noqa: S608 -- constants
_PROGRESS: Final = f"""
SELECT id, {_HAVE}
FROM ({
    _BY_FILE.format(chosen="download.user_id = %(user)s AND file.revision_id = %(revision)s")
}) by_file
"""  # noqa: S608 -- constants
_OF_MODELS: Final = f"""
SELECT user_id, repository.model_id, revision.name, revision.commit, {_SUMS}
FROM ({_BY_FILE.format(chosen="download.user_id = ANY(%(users)s)")}) by_file
JOIN weights_revision revision ON revision.id = by_file.revision_id
JOIN weights_repository repository ON repository.id = revision.repository_id
WHERE (user_id, repository.model_id) IN
    (SELECT * FROM unnest(%(users)s::bigint[], %(models)s::bigint[]))
GROUP BY user_id, repository.model_id, revision.id, by_file.revision_id
ORDER BY revision.number DESC
"""  # noqa: S608 -- constants
