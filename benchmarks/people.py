"""Researchers with open sessions in the benchmark's database, printed as JSON.

python -m benchmarks.people COUNT
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from django.test import Client  # noqa: E402 -- after the settings are read

from portal.catalog.models import HostedModel  # noqa: E402
from tests.factories.jobs import make_researcher  # noqa: E402

MODEL = "smollm2-135m"


def main(count: int) -> None:
    """Every person may use the model; the cookie is what a browser would send."""
    model = HostedModel.objects.select_related("release__licence").get(slug=MODEL)
    cookies = []
    for _ in range(count):
        user, _ = make_researcher(model)
        client = Client()
        client.force_login(user)
        cookies.append(client.session.session_key)
    print(json.dumps(cookies))


if __name__ == "__main__":
    main(int(sys.argv[1]))
