"""The tasks' names, for the code that sends them."""

from __future__ import annotations

from typing import Final

DISPATCH_TASK: Final = "portal.webhooks.dispatch"
SEND_TASK: Final = "portal.webhooks.send"
