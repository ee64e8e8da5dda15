"""Files in a folder of the test's own."""

from __future__ import annotations

from tests.library.weights.conftest import weights_dir

__all__ = ["weights_dir"]
