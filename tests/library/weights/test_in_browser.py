"""From the page to the file and back, in a browser and with the real client beside it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from portal.gate.access.models import Grant
from portal.library.weights.models import Download, Revision
from portal.platform.accounts.models import User
from tests.e2e.browser import DESKTOP, judge, open_page
from tests.factories.accounts import UserFactory
from tests.factories.weights import make_holder, make_revision
from tests.lab.playground.browser.conftest import browser, site
from tests.plugin import ROOT

__all__ = ["browser", "site"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("valkey"),
]
HF = ROOT / ".venv" / "bin" / "hf"
SHARD = 3 * 2**20


@pytest.fixture
def revision() -> Revision:
    shards = {f"part-{n}.dat": bytes([n]) * SHARD for n in range(4)}
    return make_revision(None, {**shards, "config.json": b"{}"})


@pytest.fixture
def holder(revision: Revision) -> User:
    return make_holder(revision.repository.model)


@pytest.fixture
def context(browser: Browser, site: str) -> Iterator[BrowserContext]:
    made = browser.new_context(base_url=site, viewport=DESKTOP, color_scheme="light")
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    complaints: list[str] = []
    yield open_page(context, complaints)
    assert complaints == []


def sign_in(context: BrowserContext, user: User, *, site: str) -> None:
    client = Client()
    client.force_login(user)
    value = client.session.session_key or ""
    context.add_cookies([{"name": "sessionid", "value": value, "url": site}])


def fetch(site: str, key: str, home: Path, *paths: str) -> subprocess.CompletedProcess[str]:
    """Run the page's command, with few workers so that files come one after another."""
    environment = {
        "PATH": os.environ["PATH"], "HF_ENDPOINT": f"{site}/hub", "HF_TOKEN": key,
        "HF_HOME": os.fspath(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }  # fmt: skip
    return subprocess.run(
        [HF, "download", "family/tiny", *paths, "--max-workers", "1"], env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_from_the_page_to_the_files_and_back(
    page: Page, context: BrowserContext, site: str, revision: Revision, holder: User, tmp_path: Path
) -> None:
    sign_in(context, holder, site=site)
    page.goto("/weights/")
    page.get_by_role("link", name="Get it").click()
    page.get_by_role("link", name="make one").click()
    page.get_by_label("Name", exact=True).fill("Cluster")
    page.get_by_role("button", name="Make the key").click()
    key = page.locator("#new-key").inner_text()

    first = fetch(site, key, tmp_path / "home", "part-0.dat", "part-1.dat")
    page.goto("/weights/tiny/")
    has_two = page.get_by_text("You have 2 of 4 files: 6.29 MB of 12.6 MB.").is_visible()
    faults = judge(page, "weights")
    Grant.objects.update(state="revoked")
    second = fetch(site, key, tmp_path / "home")

    sign_in(context, UserFactory.create(is_auditor=True), site=site)
    page.goto("/console/audit/")
    page.get_by_role("link", name="Who holds weights").click()
    faults += judge(page, "holders")
    page.get_by_role("link", name="family/tiny v1").click()
    faults += judge(page, "holder")
    rows = page.get_by_role("region", name="Files").locator("tbody tr")

    assert faults == []
    assert (first.returncode, second.returncode, has_two) == (0, 1, True), first.stderr
    assert "[revoked] Your access was revoked." in second.stderr
    assert [row.locator("td").nth(1).inner_text() for row in rows.all()] == [
        "Whole", "Whole", "Nothing", "Nothing",
    ]  # fmt: skip
    assert list(Download.objects.values_list("sent", flat=True)) == [SHARD, SHARD]
