"""Every refusal as a researcher reads it: in the command line, and in Python's exception."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.gate.catalog.models import HostedModel
from portal.gate.keys.models import ApiKey
from portal.library.weights.domain.fetching import GIGABYTE, Part, begin_download
from portal.library.weights.models import Revision
from portal.platform.accounts.models import User
from tests.factories.catalog import HostedModelFactory
from tests.factories.weights import make_holder, make_revision
from tests.lab.playground.sse import in_thread, serve
from tests.library.weights.client import make_key
from tests.library.weights.refused import REFUSED
from tests.library.weights.test_hub_clients import HF, Machine

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

FILE = "model.safetensors"
STREAMS = 2
ASKING = f"""
import json, sys, time
from huggingface_hub import hf_hub_download
from huggingface_hub.cli import hf
from huggingface_hub.utils import _http

time.sleep = lambda seconds: None
for code, (repo, key) in json.loads(sys.argv[1]).items():
    print("<code>", code)
    try:
        hf_hub_download(repo, "{FILE}", token=key)
    except Exception as error:
        print("<exception>", type(error).__name__, error)
    # Each of its processes shows the first warning only.
    _http._WARNED_TOPICS.clear()
    print("<command>")
    sys.argv = ["hf", "download", repo, "{FILE}", "--token", key]
    try:
        hf.main()
    except SystemExit as end:
        print("<status>", end.code)
"""


def _start_downloads(user: User, model: HostedModel, *, lengths: list[int]) -> None:
    revision = Revision.objects.get(repository__model=model)
    file, key = revision.files.get(path=FILE), ApiKey.objects.get(user=user)
    for length in lengths:
        begin_download(key, revision, file, Part(0, length), tool="", at=timezone.now())


def _spend_quota(user: User, model: HostedModel) -> None:
    _start_downloads(user, model, lengths=[GIGABYTE])


def _fill_streams(user: User, model: HostedModel) -> None:
    _start_downloads(user, model, lengths=[1] * STREAMS)


SPENT = {"download_quota_exceeded": _spend_quota, "too_many_downloads": _fill_streams}


def _prepare() -> dict[str, tuple[str, str]]:
    """For each code, a repository and the key that is refused there for this reason."""
    prepared = {}
    for code, change in {**REFUSED, **SPENT}.items():
        model = HostedModelFactory.create(status="not_loaded")
        make_revision(model, folder=code, opened=())
        user = make_holder(model)
        repo = f"{model.release.slug}/{model.slug}"
        prepared[code] = (repo, make_key(user))
        change(user, model)
    return {**prepared, "invalid_api_key": (repo, "gh_wrong")}


async def test_every_refusal_is_readable(tmp_path: Path, settings: Settings) -> None:
    settings.REQUIRE_STAFF_MFA = True
    settings.WEIGHTS_GB_PER_DAY, settings.WEIGHTS_STREAMS = 1, STREAMS
    asked = await in_thread(_prepare)
    python = HF["2.x"].with_name("python")
    async with serve() as site:
        machine = Machine(tmp_path / "home", site, "")
        done = await machine.run(python, "-u", "-c", ASKING, json.dumps(asked))

    seen = {}
    for answer in done.text.split("<code> ")[1:]:
        code, _, rest = answer.partition("\n")
        exception, _, command = rest.partition("<exception> ")[2].partition("<command>")
        seen[code] = (
            exception.partition(" ")[0],
            f"[{code}] " in exception,
            f"[{code}] " in command,
            "http://testserver/" in exception and "http://testserver/" in command,
            command.split()[-1],
        )
    limits = ("HfHubHTTPError", True, True, False, "1")
    gate = ("GatedRepoError", True, True, True, "1")
    assert seen == {code: limits if code in SPENT else gate for code in asked}, done.text
