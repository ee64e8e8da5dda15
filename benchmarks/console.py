"""`python -m benchmarks.console`: server time of the reviewers' queue over a full desk.

Seeds 10,000 applications with 100,000 audit events into a database of its own, asks for the queue
page and each of its filters through Django's test client, and prints milliseconds and queries of
each. Ends with 1 if any page's median is above the target.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import batched, islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from benchmarks.table import render
from demo.services import Valkey, start_postgres, stop_postgres

if TYPE_CHECKING:
    from portal.accounts.models import User
