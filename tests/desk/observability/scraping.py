"""Read what Prometheus would read."""

from __future__ import annotations

from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from portal.desk.observability.views import site_collector

TOKEN = "a-token-of-tests-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
Labels = tuple[tuple[str, str], ...]


def scrape(client: Client, settings: Settings) -> dict[str, dict[Labels, float]]:
    """Every sample by its name and labels, scraped again at each look-up."""
    settings.METRICS_TOKEN = TOKEN
    site_collector.forget()
    response = client.get("/metrics", headers=BEARER)
    assert response.status_code == 200
    return read_samples(response.content.decode())


def read_samples(text: str) -> dict[str, dict[Labels, float]]:
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def labelled(**labels: str) -> Labels:
    return tuple(sorted(labels.items()))
