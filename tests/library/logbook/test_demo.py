"""The logbook that the demo's release folder has."""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command
from django.test import Client

from portal.library.logbook.models import Entry, Run, Series

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _demo() -> None:
    call_command("load_release", verbosity=0)
    call_command("load_logbook", verbosity=0)


def test_opt_175b_has_entries_with_sources_and_no_curve(client: Client) -> None:
    page = client.get("/logbook/opt-175b-12/").content.decode()

    assert [run.slug for run in Run.objects.all()] == ["opt-175b-11", "opt-175b-12"]
    assert Entry.objects.count() == 16
    assert (
        Entry.objects.filter(source="").count() == Entry.objects.filter(source_url="").count() == 0
    )
    assert Series.objects.count() == 0
    assert page.count("No metrics of this run are published as data, so no curve is drawn.") == 1
    # The entries of lineage 11 are the background of lineage 12.
    assert len(re.findall(r'<li class="logbook-entry"', page)) == 16


def test_the_models_page_leads_to_its_logbook(client: Client) -> None:
    def links(model: str) -> list[str]:
        return re.findall(
            r'href="(/logbook/[^"]+)"', client.get(f"/models/{model}/").content.decode()
        )

    assert links("opt-175b") == ["/logbook/opt-175b-12/"]
    assert links("opt-66b") == []
