"""Create webhook endpoints with one URL in a benchmark's database, each with waiting events.

python -m benchmarks.webhook_endpoints COUNT URL
"""

from __future__ import annotations

import sys

import django

django.setup()

from django.utils import timezone  # noqa: E402 -- after the settings are read

from portal.gate.webhooks.domain.endpoints import register_endpoint  # noqa: E402
from portal.gate.webhooks.domain.fan_out import dispatch_due  # noqa: E402
from portal.gate.webhooks.enums import EventType  # noqa: E402
from portal.gate.webhooks.models import Event  # noqa: E402
from tests.factories.accounts import UserFactory  # noqa: E402

EVENTS = 20


def main(count: int, url: str) -> None:
    operator = UserFactory.create(email="operator@example.org", is_staff=True)
    for number in range(count):
        register_endpoint(
            by=operator, name=f"Slow {number}", url=url, events=[EventType.APPLICATION_RETURNED]
        )
    now = timezone.now()
    for number in range(EVENTS):
        Event.objects.create(
            type=EventType.APPLICATION_RETURNED, data={"n": number}, created_at=now, due_at=now
        )
    dispatch_due()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
