"""`python -m benchmarks.logbook`: server time of a large logbook's pages.

Starts its own PostgreSQL and Valkey in a temporary folder, and measures in a child process whose
settings point there (`benchmarks.logbook_pages`). Its exit status is the child's.
"""

from __future__ import annotations

from benchmarks.own_database import run_with_own_database

if __name__ == "__main__":
    raise SystemExit(run_with_own_database("benchmarks.logbook_pages"))
