"""`python -m benchmarks.console`: server time of the reviewers' queue with many applications.

Starts its own PostgreSQL and Valkey in a temporary folder, and measures in a child process whose
settings point there (`benchmarks.console_pages`). Its exit status is the child's.
"""

from __future__ import annotations

from benchmarks.own_database import run_with_own_database

if __name__ == "__main__":
    raise SystemExit(run_with_own_database("benchmarks.console_pages"))
