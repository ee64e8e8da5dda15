"""Tables as Parquet files, if the optional extra `requirements/parquet.txt` is installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

PROGRAM: Final = "duckdb"
ROWS: Final = 100_000
"""Rows that wait in memory before they are written."""
Kind: TypeAlias = Literal["VARCHAR", "BIGINT", "DOUBLE", "TIMESTAMPTZ"]
Columns: TypeAlias = Mapping[str, npt.NDArray[Any]]


def has_parquet() -> bool:
    """Whether this site can write Parquet."""
    return find_spec(PROGRAM) is not None


def require_parquet() -> None:
    """Raise `DomainError` with code `parquet_unavailable` if it cannot."""
    if not has_parquet():
        raise DomainError(
            RefusalCode.PARQUET_UNAVAILABLE,
            "This site does not write Parquet: take the CSV file, which has the same values. The "
            "operator adds Parquet by installing requirements/parquet.txt.",
        )


class ParquetTable:
    """A table that is written piece by piece; most of it waits in a file beside the result.

    A DOUBLE column has no missing values: a missing one becomes NaN. Use it in one thread at a
    time, and call `require_parquet` before.
    """

    def __init__(self, path: Path, columns: Mapping[str, Kind]) -> None:
        self._path = path
        self._waiting: list[Columns] = []
        self._rows = 0
        self._writing = Lock()
        self._chosen = ", ".join(
            f"coalesce({name}, 'NaN'::DOUBLE)" if kind == "DOUBLE" else name
            for name, kind in columns.items()
        )
        # Imported here, because it need not be installed.
        self._database = import_module(PROGRAM).connect(
            str(path.with_suffix(".duckdb")),
            config={"threads": 1, "memory_limit": "256MB", "autoinstall_known_extensions": False},
        )
        self._database.execute("SET TimeZone = 'UTC'")
        declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        self._database.execute(f"CREATE TABLE everything ({declared})")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # If the client has left, a thread may still be writing.
        self._database.interrupt()
        with self._writing:
            self._database.close()

    def add(self, piece: Columns) -> None:
        """Rows as columns of the same length; times as `datetime64[us]`, in UTC."""
        self._waiting.append(piece)
        self._rows += len(next(iter(piece.values())))
        if self._rows >= ROWS:
            self._flush()

    def finish(self) -> None:
        """Write the file."""
        self._flush()
        with self._writing:
            self._database.execute(
                f"COPY everything TO '{self._path}' (FORMAT parquet, COMPRESSION zstd)"
            )

    def _flush(self) -> None:
        if not self._waiting:
            return
        names = self._waiting[0]
        piece = {name: np.concatenate([each[name] for each in self._waiting]) for name in names}
        with self._writing:
            self._database.register("piece", piece)
            self._database.execute(f"INSERT INTO everything SELECT {self._chosen} FROM piece")  # noqa: S608 -- constants
            self._database.unregister("piece")
        self._waiting, self._rows = [], 0
