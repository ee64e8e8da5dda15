"""Schemathesis sends a running site all requests that the OpenAPI document suggests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from benchmarks.keys import MODEL, issue_keys
from benchmarks.stack import Shape, running_stack
from tests.plugin import ROOT
from tests.template import migrated_database

# Alone on the machine: a site that responds late looks like one that does not respond.
pytestmark = [pytest.mark.engine]

SECONDS = 50
SEED = 175
CHECKS = (
    "no_fault_of_ours,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,ignored_auth"
)


def test_whatever_is_asked_is_answered_as_the_document_says(tmp_path: Path, migrated: str) -> None:
    with (
        migrated_database("gatehouse_fuzzed", template=migrated) as url,
        running_stack(Shape(people=2, rate=500.0), database_url=url) as stack,
    ):
        (key,) = issue_keys(stack, 1, reviews=True)
        config = tmp_path / "schemathesis.toml"
        config.write_text(write_parameters(OpenAI(base_url=f"{stack.url}/v1", api_key=key)))
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                *("--config-file", config, "run", f"{stack.url}/v1/openapi.json"),
                *("--header", f"Authorization: Bearer {key}"),
                *("--checks", CHECKS, "--phases", "examples,coverage,fuzzing"),
                *("--seed", str(SEED), "--generation-database", "none", "--max-examples", "20"),
                *("--max-time", str(SECONDS), "--continue-on-failure", "--no-color"),
            ],
            cwd=tmp_path,
            env={
                **os.environ,
                "SCHEMATHESIS_HOOKS": "tests.lab.api.document.fuzzing",
                "PYTHONPATH": os.fspath(ROOT),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "35 selected / 35 total" in done.stdout


def write_parameters(client: OpenAI) -> str:
    """Ids of things that exist, so that not every response is 404."""
    answer = client.completions.create(model=MODEL, prompt="Once", max_tokens=4)
    line = {
        "custom_id": "one",
        "method": "POST",
        "url": "/v1/completions",
        "body": {"model": MODEL, "prompt": "Once", "max_tokens": 4},
    }
    file = client.files.create(file=("requests.jsonl", json.dumps(line).encode()), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/completions", completion_window="24h"
    )
    values = {
        "job_id": answer.choices[0].model_extra["job_id"],  # type: ignore[index]
        "file_id": file.id,
        "batch_id": batch.id,
        "model_id": MODEL,
        "engine": MODEL,
        **find_cases(client),
    }
    return "[parameters]\n" + "".join(
        f'"path.{name}" = {json.dumps(value)}\n' for name, value in values.items()
    )


def find_cases(client: OpenAI) -> dict[str, Any]:
    """Another person's application and grant, on which the key can decide."""
    lists = {
        name: client.get(f"/decisions/{name}", cast_to=dict[str, Any])
        for name in ("applications", "grants")
    }
    found = {
        "case_number": lists["applications"]["first_id"],
        "grant_id": lists["grants"]["first_id"],
    }
    assert None not in found.values()
    return found
