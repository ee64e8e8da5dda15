"""Citations and metadata: as the programs that read them check them."""

from __future__ import annotations

import json
import os
import subprocess
from html import unescape
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import yaml
from django.test import Client

from portal.library.collection.domain.citation import write_bibtex, write_cff
from portal.library.collection.domain.licences import describe_licence
from tests.factories.accounts import UserFactory
from tests.factories.repositories import TABLE, make_notes, make_repository
from tests.factories.weights import make_revision
from tests.plugin import ROOT

pytestmark = pytest.mark.django_db
PYTHON = ROOT / ".venv-clients" / "bin" / "python"
SCHEMA = json.loads(
    (resources.files("check_jsonschema") / "builtin_schemas/vendor/citation-file-format.json")
    .read_text(encoding="utf-8")
)  # fmt: skip
LOADING = """
import json, sys
import mlcroissant
dataset = mlcroissant.Dataset(sys.argv[1], mapping=json.loads(sys.argv[2]))
assert not dataset.metadata.issues.errors, dataset.metadata.issues.report()
print(json.dumps([
    {key: value.decode() if isinstance(value, bytes) else value for key, value in row.items()}
    for row in dataset.records("table.csv#rows")
]))
"""


@pytest.mark.parametrize("kind", ["code", "data"])
def test_a_citation_file_keeps_to_the_published_schema(client: Client, kind: str) -> None:
    name = 'Quotes " and: colons \\ é 🙂\n# \x85'
    revision = make_notes(kind=kind, name=name, authors=["Ada Byron", "O'Brien: & Co."])

    answer = client.get("/library/family/notes/v1.cff")
    cited = yaml.safe_load(answer.content)

    jsonschema.validate(cited, SCHEMA)
    assert answer["Content-Disposition"] == 'attachment; filename="CITATION.cff"'
    assert cited == {
        "cff-version": "1.2.0",
        "message": "If you use this, please cite it as below.",
        "type": {"code": "software", "data": "dataset"}[kind],
        "title": 'Quotes " and: colons \\ é 🙂 #  ',
        "abstract": "How the family was made.",
        "version": "v1",
        "commit": revision.commit,
        "date-released": f"{revision.published_at:%Y-%m-%d}",
        "url": "http://testserver/library/family/notes/v1/",
        "license": "CC-BY-4.0",
        "authors": [{"name": "Ada Byron"}, {"name": "O'Brien: & Co."}],
    }


def test_a_licence_of_the_house_is_cited_by_its_address() -> None:
    repository = make_repository()
    licence = repository.release.licence
    repository.licence, repository.spdx = licence, ""
    repository.save()
    revision = make_notes(repository=repository)

    cited = yaml.safe_load(write_cff(revision))

    jsonschema.validate(cited, SCHEMA)
    assert (cited.get("license"), cited["license-url"]) == (
        None, f"http://testserver/licence/{licence.slug}/",
    )  # fmt: skip
    # An expression has no single page, and no place in the file.
    revision.repository.licence, revision.repository.spdx = None, "MIT OR Apache-2.0"
    facts = describe_licence(revision.repository)
    assert (facts.name, facts.spdx, facts.url) == ("MIT OR Apache-2.0", "", "")


def test_bibtex(client: Client) -> None:
    revision = make_notes(name="Family & notes", authors=["Ada Byron", "B. {C}"])

    assert client.get("/library/family/notes/v1.bib").content.decode() == write_bibtex(revision)
    assert write_bibtex(revision) == (
        "@misc{family-notes-v1,\n"
        "  author = {{Ada Byron} and {B. \\textbraceleft{}C\\textbraceright{}}},\n"
        "  title = {{Family \\& notes}},\n"
        f"  year = {{{revision.published_at:%Y}}},\n"
        f"  date = {{{revision.published_at:%Y-%m-%d}}},\n"
        "  url = {http://testserver/library/family/notes/v1/},\n"
        "  version = {v1},\n"
        f"  note = {{Commit {revision.commit}. Licence: CC-BY-4.0}},\n"
        "}\n"
    )


def test_weights_are_cited_on_their_page(client: Client) -> None:
    revision = make_revision()
    client.force_login(UserFactory.create())

    page = unescape(client.get("/weights/tiny/").content.decode())

    name = revision.repository.model.name
    assert page.count(write_bibtex(revision)) == 1
    assert write_bibtex(revision).splitlines() == [
        "@misc{family-tiny-v1,",
        "  author = {{The licensor of the tests}},",
        f"  title = {{{{Weights of {name}}}}},",
        f"  year = {{{revision.published_at:%Y}}},",
        f"  date = {{{revision.published_at:%Y-%m-%d}}},",
        "  url = {http://testserver/weights/tiny/v1/},",
        "  version = {v1},",
        f"  note = {{Commit {revision.commit}. Licence: Apache-2.0. A model of the tests.}},",
        "}",
    ]


def test_croissant_has_each_file_and_the_columns_that_are_there(client: Client) -> None:
    revision = make_notes({"README.md": b"# Data\n", "b c.dat": b"\xff", "table.csv": TABLE})

    answer = client.get("/library/family/notes/v1.croissant.json")
    described = answer.json()

    assert answer["Content-Type"] == "application/ld+json"
    assert [
        (file["@id"], file["encodingFormat"], file["contentSize"], file["sha256"])
        for file in described["distribution"]
    ] == [
        (file.path, kind, f"{file.size} B", file.sha256)
        for file, kind in zip(
            revision.files.all(),
            ("text/markdown", "application/octet-stream", "text/csv"),
            strict=True,
        )
    ]
    assert described["distribution"][1]["contentUrl"] == (
        f"http://testserver/hub/datasets/family/notes/resolve/{revision.commit}/b%20c.dat"
    )
    (records,) = described["recordSet"]
    assert [(field["name"], field["dataType"]) for field in records["field"]] == [
        ("step", "sc:Integer"), ("loss", "sc:Float"), ("word", "sc:Text"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "a,a\n1,2\n", "a,\n1,2\n", "a,b\n1\n", 'a,b\n1,"2\n', "a\n" + "x" * 131_073]
)
def test_a_file_that_is_no_proper_table_has_no_columns(client: Client, text: str) -> None:
    make_notes({"README.md": b"# Data\n", "table.csv": text.encode()})

    described = client.get("/library/family/notes/v1.croissant.json").json()

    assert (len(described["distribution"]), described["recordSet"]) == (2, [])


@pytest.mark.slow
def test_mlcroissant_accepts_it_and_reads_the_rows(client: Client, tmp_path: Path) -> None:
    if not PYTHON.exists() and not os.environ.get("CI"):
        pytest.skip("this client's environment is not installed")
    make_notes({"README.md": b"# Data\n", "table.csv": b"step,word\n1,start\n2,end\n"})
    description, table = tmp_path / "croissant.json", tmp_path / "table.csv"
    description.write_bytes(client.get("/library/family/notes/v1.croissant.json").content)
    table.write_bytes(b"step,word\n1,start\n2,end\n")

    done = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", LOADING, description, json.dumps({"table.csv": str(table)})],
        capture_output=True, text=True, check=False, env={"HOME": os.fspath(tmp_path)},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        {"table.csv#step": 1, "table.csv#word": "start"},
        {"table.csv#step": 2, "table.csv#word": "end"},
    ]
