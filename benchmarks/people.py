"""Create researchers with open sessions in the benchmark's database, and print them as JSON.

python -m benchmarks.people COUNT
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from allauth.usersessions.models import UserSession  # noqa: E402 -- after the settings are read
from django.test import Client  # noqa: E402

from portal.gate.catalog.models import HostedModel  # noqa: E402
from tests.factories.jobs import make_researcher  # noqa: E402

MODEL = "smollm2-135m"


def main(count: int) -> None:
    """Give every person access to the model; the cookie is the one that a browser would send."""
    model = HostedModel.objects.select_related("release__licence").get(slug=MODEL)
    cookies = []
    for _ in range(count):
        user, _ = make_researcher(model)
        client = Client()
        client.force_login(user)
        # As after signing in with a browser.
        key = client.session.session_key
        UserSession.objects.create(user=user, session_key=key, ip="127.0.0.1", user_agent="")
        cookies.append(key)
    print(json.dumps(cookies))


if __name__ == "__main__":
    main(int(sys.argv[1]))
