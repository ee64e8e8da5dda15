"""The clock of the beat schedule."""

from __future__ import annotations

from celery.beat import PersistentScheduler


class PatientScheduler(PersistentScheduler):
    """Celery's scheduler wakes 10 ms before an entry is due and asks the time until it is.

    This one sleeps until then: with an entry due every second, that was a hundredth of a core.
    """

    def adjust(self, n: float, drift: float = 0.0) -> float:
        """Seconds to wait for an entry that is due in `n` seconds."""
        return n + drift if n else n
