"""A bad row of a batch fails alone, whatever its contents."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from portal.gate.catalog.models import HostedModel
from portal.gate.keys.models import ApiKey
from portal.lab.batches.domain import submitting
from portal.lab.batches.domain.advance import advance_all
from portal.lab.batches.domain.checking import check_batch
from portal.lab.batches.domain.creation import create_batch
from portal.lab.batches.domain.files import write_file
from portal.lab.batches.domain.ids import FILE, write_id
from portal.lab.batches.enums import BatchStatus, FilePurpose
from portal.lab.batches.models import Batch, BatchRow
from portal.lab.batches.wire import BatchRequest
from portal.lab.jobs.domain.calls import submit_call
from portal.lab.jobs.models import Call
from tests.factories.batch_lines import write_request
from tests.factories.batches import advance, answer_jobs, make_batch, read_objects
from tests.factories.jobs import beat, make_researcher
from tests.factories.keys import ApiKeyFactory
from tests.factories.logs import site_log

pytestmark = pytest.mark.django_db(transaction=True)
NUL, HALF = r"\u0000", r"\ud800"
LONG = "9" * 5000
SECRET = "a-very-secret-name"
NO_NUL = "has a NUL character (U+0000), which cannot be stored; remove it."
NO_HALF = "has half of a surrogate pair, which is not a character; remove it."
TOO_DEEP = "is nested more than 100 levels deep."


def nest(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


ROWS = {
    "NUL in stop": (f'"stop": "{NUL}"', "stop", f"stop {NO_NUL}"),
    "NUL in user": (f'"user": "x{NUL}"', "user", f"user {NO_NUL}"),
    "NUL in the prompt": (f'"prompt": "a{NUL}b"', "prompt", f"prompt {NO_NUL}"),
    "NUL in an unknown field": (f'"foo": "a{NUL}b"', "foo", f"foo {NO_NUL}"),
    "NUL in a name": (f'"a{NUL}": 1', None, f"The body {NO_NUL}"),
    "NUL in a pattern": (
        f'"structured_outputs": {{"regex": "a{NUL}"}}',
        "structured_outputs",
        f"structured_outputs {NO_NUL}",
    ),
    "half a pair in stop": (f'"stop": "{HALF}"', "stop", f"stop {NO_HALF}"),
    "half a pair in user": (f'"user": "a{HALF}b"', "user", f"user {NO_HALF}"),
    "half a pair in a pattern": (
        f'"structured_outputs": {{"regex": "{HALF}"}}',
        "structured_outputs",
        f"structured_outputs {NO_HALF}",
    ),
    "infinity": ('"foo": 1e400', "foo", "foo has a number that is not finite."),
    "a long number": (f'"foo": [{LONG}]', "foo", "foo has a number with too many digits."),
    "101 levels": (f'"foo": {nest(100)}', "foo", f"foo {TOO_DEEP}"),
    "300 levels": (f'"structured_outputs": {{"json": {nest(300)}}}', "structured_outputs",
                   f"structured_outputs {TOO_DEEP}"),
    "970 levels": (f'"foo": {nest(970)}', "foo", f"foo {TOO_DEEP}"),
    "100,000 levels": (f'"foo": {nest(100_000)}', "foo", f"foo {TOO_DEEP}"),
}  # fmt: skip
"""A body's change to a good request, the field at fault, and the message."""


@pytest.fixture
def model(valkey: redis.Redis) -> HostedModel:
    beat(valkey)
    return make_researcher()[1]


@pytest.fixture
def key(model: HostedModel) -> ApiKey:
    return ApiKeyFactory.create(user=make_researcher(model)[0])


def write_line(name: str, body: str, *, model: str) -> bytes:
    """One line of a file, whose body says `body` too: as no JSON writer would write it."""
    head = json.dumps({"custom_id": name, "method": "POST", "url": "/v1/completions"})[:-1]
    fields = '"prompt": "ok", "max_tokens": 4'
    return f'{head}, "body": {{"model": "{model}", {fields}, {body}}}}}\n'.encode()


def make_raw_batch(key: ApiKey, *lines: bytes) -> Batch:
    with_lines = write_file(key.user, lines, name="in.jsonl", purpose=FilePurpose.BATCH)
    order = BatchRequest(
        input_file_id=write_id(FILE, with_lines.pk),
        endpoint="/v1/completions",
        completion_window="24h",
    )
    return create_batch(key, order)


def errors_of(batch: Batch) -> list[tuple[str, int, Any, str]]:
    """For each line of the error file: its row, status, field and message."""
    found = []
    for line in read_objects(batch.error_file):
        answer = line["response"]
        error = answer["body"]["error"]
        found.append((line["custom_id"], answer["status_code"], error["param"], error["message"]))
    return found


def test_a_row_that_cannot_be_kept_fails_as_its_request_would(
    valkey: redis.Redis, key: ApiKey, model: HostedModel
) -> None:
    bad = [write_line(name, body, model=model.slug) for name, (body, _, _) in ROWS.items()]
    good = json.dumps(write_request("good", model=model.slug)).encode() + b"\n"
    batch = make_raw_batch(key, *bad, good)

    advance_all()
    answer_jobs(valkey)
    batch = advance(batch)

    assert batch.status == BatchStatus.COMPLETED
    assert [line["custom_id"] for line in read_objects(batch.output_file)] == ["good"]
    assert errors_of(batch) == [
        (name, 400, field, message) for name, (_, field, message) in ROWS.items()
    ]


def test_a_hundred_levels_are_kept(valkey: redis.Redis, key: ApiKey, model: HostedModel) -> None:
    line = write_line("deep", f'"foo": {nest(99)}', model=model.slug)
    batch = advance(make_raw_batch(key, line))
    answer_jobs(valkey)
    assert advance(batch).status == BatchStatus.COMPLETED
    assert Call.objects.get().request["foo"] == json.loads(nest(99))


@pytest.mark.parametrize("name", ["a%00b", "a%2500b", "9" * 5000, "a/../b"])
def test_a_model_that_cannot_be_ends_its_batch(key: ApiKey, model: HostedModel, name: str) -> None:
    batch = make_batch(key, write_request("one", model=name))
    advance_all()
    batch.refresh_from_db()
    (error,) = batch.errors
    assert (batch.status, error["code"], error["param"]) == (
        BatchStatus.FAILED,
        "model_not_found",
        "body.model",
    )


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_model_that_is_no_text_ends_its_batch_with_the_line(
    key: ApiKey, model: HostedModel, name: str
) -> None:
    batch = make_batch(key, write_request("one", model=name))
    advance_all()
    batch.refresh_from_db()
    (error,) = batch.errors
    assert (error["message"], error["line"]) == ("Line 1 names no model in its body.", 1)


@pytest.mark.parametrize("error", [RecursionError, MemoryError, KeyError, UnicodeError])
def test_a_row_that_raises_what_nobody_foresaw_fails_alone(
    valkey: redis.Redis,
    key: ApiKey,
    model: HostedModel,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    def break_one(*args: Any, **kwargs: Any) -> object:
        if "poison" in kwargs["runs"][0].prompt:
            raise error("the prompt was poison")
        return submit_call(*args, **kwargs)

    monkeypatch.setattr(submitting, "submit_call", break_one)
    poisoned = make_batch(
        key, *(write_request(name, model=model.slug) for name in ("poison", "good"))
    )
    other = make_batch(key, write_request("other", model=model.slug))

    advance_all()
    answer_jobs(valkey)
    poisoned, other = advance(poisoned), advance(other)

    assert (poisoned.status, other.status) == (BatchStatus.COMPLETED, BatchStatus.COMPLETED)
    broken = "Something broke on our side. It has been logged."
    assert errors_of(poisoned) == [("poison", 500, None, broken)]
    assert [line["custom_id"] for line in read_objects(poisoned.output_file)] == ["good"]


@pytest.mark.parametrize("body", [{"user": "x\0"}, {"user": "\ud800"}, {"foo": float("inf")}])
def test_a_row_that_an_older_release_accepted_fails_alone(
    valkey: redis.Redis, key: ApiKey, model: HostedModel, body: dict[str, Any]
) -> None:
    batch = make_batch(key, *(write_request(name, model=model.slug) for name in ("old", "good")))
    check_batch(batch)
    kept = json.dumps({"model": model.slug, "prompt": "a", **body})
    BatchRow.objects.filter(batch=batch, custom_id="old").update(body=kept)

    advance_all()
    answer_jobs(valkey)
    batch = advance(batch)

    assert batch.status == BatchStatus.COMPLETED
    assert [line["custom_id"] for line in read_objects(batch.output_file)] == ["good"]
    assert [error[:2] for error in errors_of(batch)] == [("old", 500)]


def test_nothing_of_a_body_is_in_the_log(
    key: ApiKey, model: HostedModel, capfd: pytest.CaptureFixture[str]
) -> None:
    """PostgreSQL quotes a row that it cannot take."""
    batch = make_batch(key, write_request("old", model=model.slug))
    check_batch(batch)
    kept = json.dumps({"model": model.slug, "prompt": "a", "user": f"{SECRET}\0"})
    BatchRow.objects.filter(batch=batch).update(body=kept)
    with site_log():
        advance_all()
    written = capfd.readouterr().err
    assert ("row_failed" in written, "_submit_or_refuse" in written) == (True, True)
    assert SECRET not in written
