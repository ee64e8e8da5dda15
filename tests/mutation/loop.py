"""Every mutant of every module, and whether those survive that may."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import TextIO

import pytest

from tests.mutation.mutants import Mutant, list_mutants, list_originals
from tests.mutation.survivors import FILE, read_survivors
from tests.mutation.targets import TARGETS
from tests.mutation.trial import Trial


class Mutation:
    """Tries the mutants of each module, and compares what survives with the list."""

    def __init__(self, session: pytest.Session, words: Sequence[str], out: TextIO) -> None:
        self._session = session
        self._beginnings = tuple(word if "." in word else f"{word}." for word in words) or ("",)
        self._out = out
        self._explained = read_survivors(FILE.read_text())
        self._complaints: list[str] = []

    def try_modules(self, modules: Iterable[str]) -> list[str]:
        """What is wrong with the tests, or with the list."""
        for module in modules:
            self._try_module(module)
        return self._complaints

    def _try_module(self, module: str) -> None:
        session, begun, target = self._session, time.monotonic(), TARGETS[module]
        items = [item for item in session.items if item.nodeid.startswith(target.tests)]
        trial = Trial(session, items)
        session.config.pluginmanager.register(trial)
        unfit = trial.run_unchanged() or trial.find_killer(list_originals(module))
        if unfit:
            self._complain(f"{module} cannot be tried: unchanged, it fails {unfit}")
            return
        mutants = [
            each
            for each in list_mutants(module)
            if target.means(each.where) and each.name.startswith(self._beginnings)
        ]
        survivors = [mutant for mutant in mutants if not self._is_killed(trial, mutant)]
        session.config.pluginmanager.unregister(trial)
        self._compare_with_list(module, survivors)
        self._say(
            f"{module}: {len(mutants)} mutants, {len(mutants) - len(survivors)} killed, "
            f"{len(survivors)} survived; {time.monotonic() - begun:.0f} s, {len(items)} tests"
        )

    def _is_killed(self, trial: Trial, mutant: Mutant) -> bool:
        killer = trial.find_killer([mutant])
        if os.environ.get("MUTATION_KILLERS"):
            self._say(f"{mutant.name}\n    {killer or 'SURVIVED'}")
        if killer is None and mutant.name not in self._explained:
            self._complain(f"survived: {mutant.name}")
        return killer is not None

    def _compare_with_list(self, module: str, survivors: Sequence[Mutant]) -> None:
        of_module = f"{module.rpartition('.')[2]}."
        listed = {
            name
            for name in self._explained
            if name.startswith(of_module) and name.startswith(self._beginnings)
        }
        for name in sorted(listed - {mutant.name for mutant in survivors}):
            self._complain(f"in the list, and survives no more: {name}")

    def _complain(self, complaint: str) -> None:
        self._complaints.append(complaint)
        self._say(complaint)

    def _say(self, line: str) -> None:
        print(line, file=self._out)
