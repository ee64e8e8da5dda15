"""The clock of the beat schedule."""

from __future__ import annotations

from celery.beat import PersistentScheduler


class PatientScheduler(PersistentScheduler):
    """Sleeps until an entry is due.

    Celery's scheduler wakes 10 ms earlier and then polls the clock: with an entry due every second,
    that took a hundredth of a core.
    """

    def adjust(self, n: float, drift: float = 0.0) -> float:
        """Return the seconds to wait for an entry that is due in `n` seconds."""
        return n + drift if n else n
