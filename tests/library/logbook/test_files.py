"""The logbook as data: JSON, CSV and Atom."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from xml.etree import ElementTree as ET

import duckdb
import pytest
from django.test import AsyncClient, Client

from portal.library.logbook.enums import EntryKind
from portal.library.logbook.models import Run
from portal.platform.core import parquet
from tests.factories.logbook import EntryFactory, RunFactory, make_series, moment

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def run() -> Run:
    first = RunFactory.create(slug="first")
    run = RunFactory.create(
        slug="second", name="Second", release=first.release, parent=first, from_step=1,
        started_at=moment(5),
    )  # fmt: skip
    make_series(first, "loss", [0.1 + 0.2, 4.0, 3.0])
    make_series(run, "loss", [float("nan"), 1e-300], first_step=2, has_tokens=False)
    EntryFactory.create(run=first, slug="a", title="=A", body="**Bold** <i>", step=1)
    EntryFactory.create(
        run=run, slug="b", title="B", kind=EntryKind.SPIKE, authors=["X", "Y"], step=None,
        at=moment(0).replace(day=2), is_day=True,
    )  # fmt: skip
    return run


@pytest.mark.usefixtures("run")
def test_curves_are_thinned_json_without_nan(client: Client) -> None:
    assert client.get("/logbook/second/curves.json?start=1").json() == {
        "axis": "step",
        "metrics": [
            {"name": "loss", "unit": "nats", "values": 3, "x": [1, 2, 3], "y": [4.0, None, 1e-300]}
        ],
    }
    seconds = moment(0).timestamp()
    over_time = client.get("/logbook/second/curves.json?x=time").json()["metrics"]
    assert over_time[0]["x"] == [seconds, seconds + 10, seconds + 20, seconds + 30]


@pytest.mark.usefixtures("run")
def test_entries_are_given_as_json_and_csv(client: Client) -> None:
    whole = client.get("/logbook/second/entries.json").json()
    rows = list(csv.DictReader(io.StringIO(client.get("/logbook/second/entries.csv").text)))

    assert (whole["run"], whole["version"]) == ("second", "ab" * 32)
    assert [(one["run"], one["time"], one["step"], one["url"]) for one in whole["entries"]] == [
        ("first", "2026-03-01T00:00:10+00:00", 1, "http://testserver/logbook/first/a/"),
        ("second", "2026-03-02", None, "http://testserver/logbook/second/b/"),
    ]
    # A spreadsheet would take the title for a formula.
    assert [(row["title"], row["authors"], row["step"]) for row in rows] == [
        ("'=A", "", "1"), ("B", "X; Y", ""),
    ]  # fmt: skip
    found = client.get("/logbook/second/entries.json?kind=spike").json()["entries"]
    assert [one["title"] for one in found] == ["B"]


@pytest.mark.django_db(transaction=True)
async def test_every_value_of_the_line_is_in_the_csv_unchanged(
    run: Run, async_client: AsyncClient
) -> None:
    response = await async_client.get("/logbook/second/metrics.csv")
    text = "".join([part.decode() async for part in response])  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(text)))

    assert rows == [
        ["run", "metric", "unit", "step", "tokens", "time", "value"],
        ["first", "loss", "nats", "0", "0", "2026-03-01T00:00:00+00:00", "0.30000000000000004"],
        ["first", "loss", "nats", "1", "1000", "2026-03-01T00:00:10+00:00", "4.0"],
        ["second", "loss", "nats", "2", "", "2026-03-01T00:00:20+00:00", "nan"],
        ["second", "loss", "nats", "3", "", "2026-03-01T00:00:30+00:00", "1e-300"],
    ]


@pytest.mark.django_db(transaction=True)
async def test_parquet_has_the_values_of_the_csv(
    run: Run, async_client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROWS", 1)
    response = await async_client.get("/logbook/second/metrics.parquet")
    file = tmp_path / "metrics.parquet"
    file.write_bytes(b"".join([part async for part in response]))  # type: ignore[attr-defined]
    plain = await async_client.get("/logbook/second/metrics.csv")
    header, *rows = csv.reader(
        io.StringIO("".join([part.decode() async for part in plain]))  # type: ignore[attr-defined]
    )

    duckdb.execute("SET TimeZone = 'UTC'")
    table = duckdb.read_parquet(str(file))
    assert response["Content-Length"] == str(file.stat().st_size)
    assert dict(zip(table.columns, map(str, table.types), strict=True)) == {
        "run": "VARCHAR", "metric": "VARCHAR", "unit": "VARCHAR", "step": "BIGINT",
        "tokens": "BIGINT", "time": "TIMESTAMP WITH TIME ZONE", "value": "DOUBLE",
    }  # fmt: skip
    assert table.columns == header
    assert [
        [
            *row[:3], str(row[3]), "" if row[4] is None else str(row[4]), row[5].isoformat(),
            str(row[6]),
        ]
        for row in table.fetchall()
    ] == rows  # fmt: skip


@pytest.mark.django_db(transaction=True)
async def test_without_the_extra_the_address_says_how_to_get_it(
    run: Run, async_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = b'href="/logbook/second/metrics.parquet"'
    with_extra = await async_client.get("/logbook/second/")
    monkeypatch.setattr(parquet, "PROGRAM", "not_installed")
    without = await async_client.get("/logbook/second/")
    answer = await async_client.get("/logbook/second/metrics.parquet")

    assert (with_extra.content.count(link), without.content.count(link)) == (1, 0)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "parquet_unavailable")
    assert answer.json()["error"]["message"] == (
        "This site does not write Parquet: take the CSV file, which has the same values. The "
        "operator adds Parquet by installing requirements/parquet.txt."
    )


@pytest.mark.usefixtures("run")
def test_the_feed_has_the_newest_entries_first(client: Client) -> None:
    response = client.get("/logbook/second/feed.atom")
    feed = ET.fromstring(response.content)
    entries = feed.findall(f"{ATOM}entry")

    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert feed.findtext(f"{ATOM}title") == "Logbook of Second"
    assert [
        (one.findtext(f"{ATOM}title"), one.findtext(f"{ATOM}id"), one.findtext(f"{ATOM}updated"))
        for one in entries
    ] == [
        ("B", "http://testserver/logbook/second/b/", "2026-03-02T00:00:00+00:00"),
        ("=A", "http://testserver/logbook/first/a/", "2026-03-01T00:00:10+00:00"),
    ]
    assert entries[1].findtext(f"{ATOM}summary") == "<p><strong>Bold</strong> &lt;i&gt;</p>\n"
    assert [one.findtext(f"{ATOM}author/{ATOM}name") for one in entries] == ["X, Y", "Ada Byron"]
