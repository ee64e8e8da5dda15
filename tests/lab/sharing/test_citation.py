"""A run as an entry for BibTeX, and its receipt in words."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from pytest_django import Settings

from portal.lab.jobs.models import GenerationJob
from portal.lab.sharing.domain.citation import write_bibtex
from portal.lab.sharing.domain.record import list_facts
from portal.platform.core.bibtex import escape_bibtex
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory

pytestmark = pytest.mark.django_db
RUN = UUID("1234abcd-0000-4000-8000-00000000000f")
PROVENANCE = {
    "engine": "vllm",
    "engine_version": "0.11.0",
    "model": "smollm2-135m",
    "weights": "sha256:0f_1e",
    "dtype": "bfloat16",
    "tensor_parallel_size": 1,
    "pipeline_parallel_size": 1,
    "max_model_len": 2048,
}


def make_run(**changes: object) -> GenerationJob:
    day = datetime(2026, 11, 30, 8, 5, 9, tzinfo=UTC)
    values: dict[str, object] = {
        "id": RUN,
        "model": HostedModelFactory.create(name="OPT_175B"),
        "created_at": day,
        "started_at": day.replace(second=10),
        "finished_at": day.replace(second=12),
        "first_token_ms": 1250,
        "provenance": PROVENANCE,
        **changes,
    }
    return GenerationJobFactory.create(succeeded=True, **values)


def test_an_entry_names_person_model_run_and_weights(settings: Settings) -> None:
    settings.SITE_URL = "https://gate.example.org"

    assert write_bibtex(make_run(), author="Amara Okafor") == (
        "@misc{gatehouse-1234abcd,\n"
        "  author = {Amara Okafor},\n"
        r"  title = {{OPT\_175B}, run 1234abcd-0000-4000-8000-00000000000f},"
        "\n"
        "  year = {2026},\n"
        "  date = {2026-11-30},\n"
        "  url = {https://gate.example.org/playground/runs/"
        "1234abcd-0000-4000-8000-00000000000f/},\n"
        r"  note = {Weights sha256:0f\_1e (bfloat16), vllm 0.11.0},"
        "\n}\n"
    )


@pytest.mark.parametrize(
    ("name", "author"),
    [
        ("Zoë Müller", "Zoë Müller"),
        ("Müller & Söhne", r"{Müller \& Söhne}"),
        ("Bread and Butter", "{Bread and Butter}"),
        ("Ferdinand Andersen", "Ferdinand Andersen"),
        ("Okafor, Amara", "{Okafor, Amara}"),
        ("100% {open", r"100\% \textbraceleft{}open"),
        ("a}b\\c", r"a\textbraceright{}b\textbackslash{}c"),
        ("$_#~^", r"\$\_\#\textasciitilde{}\textasciicircum{}"),
        ("two\n\tlines\0", "two lines"),
        ("", None),
    ],
)
def test_a_name_stays_one_name_and_no_command(name: str, author: str | None) -> None:
    entry = write_bibtex(make_run(provenance=None), author=name)

    lines = [line for line in entry.splitlines() if line.startswith("  author")]
    assert lines == ([] if author is None else [f"  author = {{{author}}},"])
    assert entry.count("{") == entry.count("}")
    assert entry.count("note") == 0


def test_a_backslash_is_escaped_once() -> None:
    assert escape_bibtex(r"\{\textbf") == r"\textbackslash{}\textbraceleft{}\textbackslash{}textbf"


def test_the_receipt_in_words() -> None:
    assert list_facts(make_run()) == [
        ("Run", str(RUN)),
        ("State", "Finished. The model stopped by itself, or at a stop sequence."),
        ("Submitted", "30 November 2026, 08:05:09 UTC"),
        ("Waited", "1.0 s"),
        ("First token after", "1.2 s"),
        ("Ended", "30 November 2026, 08:05:12 UTC"),
        ("Model", "OPT_175B"),
        ("Made by", "Weights sha256:0f_1e (bfloat16), vllm 0.11.0"),
        ("Parameters", "max tokens 16 · temperature 1"),
        ("Tokens", "3 in the prompt, 2 generated"),
    ]


def test_what_is_unknown_is_left_out() -> None:
    run = make_run(
        provenance=None, first_token_ms=None, started_at=None, prompt_tokens=None, finish_reason=""
    )

    assert [name for name, _ in list_facts(run)] == [
        "Run",
        "State",
        "Submitted",
        "Ended",
        "Model",
        "Parameters",
    ]
