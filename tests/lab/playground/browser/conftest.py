"""A researcher at the playground in a real browser."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis
import uvicorn
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from portal.config.asgi import application
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.lifecycle import record_started
from portal.lab.jobs.models import GenerationJob
from portal.platform.accounts.models import User
from tests.e2e.browser import launched_browser, open_page
from tests.factories.jobs import FakeWorker, beat, make_researcher

PROMPT = "Once upon a time"
SECONDS = 30.0
HIGHLIGHTS = """() => Object.fromEntries(
  [...CSS.highlights]
    .filter(([name, ranges]) => ranges.size > 0 && name !== "token-marked")
    .map(([name, ranges]) => [name, [...ranges].map(
      (range) => range.startContainer.data.slice(range.startOffset, range.endOffset))]))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, launched_browser() as launched:
        # Playwright's event loop is idle in this thread while the test's queries run.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield launched


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The real application on a free port, in a thread with its own event loop."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        server = uvicorn.Server(uvicorn.Config(application, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, args=[[listener]], daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = server.force_exit = True
        thread.join(SECONDS)


@dataclass
class Scene:
    """A researcher at the editor, and the worker that serves it."""

    page: Page
    site: str
    user: User
    model: HostedModel
    valkey: redis.Redis

    @property
    def document(self) -> str:
        return self.page.locator("textarea[name=prompt]").input_value()

    @property
    def tinted(self) -> list[str]:
        return self.highlights().get("completion", [])

    def highlights(self) -> dict[str, list[str]]:
        """The coloured parts of the text, by the name of their colour."""
        found: dict[str, list[str]] = self.page.evaluate(HIGHLIGHTS)
        return found

    def open(self, path: str = "/playground/") -> None:
        self.page.goto(self.site + path)
        self.page.wait_for_selector("[data-run-key]:not([hidden])", state="attached")

    def submit(self, prompt: str = PROMPT) -> FakeWorker:
        """Run the prompt by keyboard, and return the worker of the job."""
        self.page.fill("textarea[name=prompt]", prompt)
        before = GenerationJob.objects.count()
        self.page.keyboard.press("Control+Enter")
        return self.take_job(before)

    def take_job(self, before: int) -> FakeWorker:
        """Wait for a run after the first `before` ones, and start it."""
        give_up_at = time.monotonic() + SECONDS
        while GenerationJob.objects.count() == before:
            assert time.monotonic() < give_up_at
            self.page.wait_for_timeout(20)
        job = GenerationJob.objects.latest("created_at")
        worker = FakeWorker(self.valkey, job.pk)
        worker.start()
        record_started([worker.started_message()])
        return worker

    def expect_state(self, state: str) -> None:
        expect(self.page.locator(f".chip--{state}")).to_be_visible(timeout=SECONDS * 1000)

    def expect_document(self, text: str) -> None:
        expect(self.page.locator("textarea[name=prompt]")).to_have_value(text)


@pytest.fixture
def scene(site: str, browser: Browser, valkey: redis.Redis, client: Client) -> Iterator[Scene]:
    user, model = make_researcher()
    client.force_login(user)
    beat(valkey)
    context = browser.new_context()
    context.add_cookies(
        [{"name": "sessionid", "value": client.session.session_key or "", "url": site}]
    )
    complaints: list[str] = []
    page = open_page(context, complaints)
    scene = Scene(page, site, user, model, valkey)
    scene.open()
    yield scene
    context.close()
    assert complaints == []
