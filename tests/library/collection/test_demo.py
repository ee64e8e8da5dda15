"""The repositories of the demo's release folder: what they say is so, and what they do works."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from portal.library.logbook.folder import read_logbooks
from portal.library.weights.models import Repository
from tests.factories.weights import make_holder, make_revision
from tests.lab.playground.sse import in_thread, serve
from tests.library.weights.client import make_key
from tests.library.weights.test_hub_clients import HF, Machine
from tests.matrices import compare
from tests.plugin import ROOT

DEMO = ROOT / "releases" / "demo"
COLUMNS = ("time", "run", "kind", "title", "body", "source", "source_url")
MAKING = """
import sys
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import OPTConfig, OPTForCausalLM, PreTrainedTokenizerFast

words = {"<unk>": 0, "</s>": 1, "once": 2, "upon": 3, "a": 4, "time": 5}
plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
plain.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="</s>", unk_token="<unk>")
torch.manual_seed(1)
model = OPTForCausalLM(OPTConfig(
    vocab_size=6, hidden_size=8, ffn_dim=8, word_embed_proj_dim=8, num_hidden_layers=1,
    num_attention_heads=1, max_position_embeddings=32, pad_token_id=1, bos_token_id=1,
    eos_token_id=None,
))
model.save_pretrained(sys.argv[1])
tokenizer.save_pretrained(sys.argv[1])
"""


@pytest.mark.django_db
def test_the_demo_publishes_notes_code_and_data(client: Client) -> None:
    call_command("load_release", verbosity=0)
    call_command("load_logbook", verbosity=0)
    call_command("publish_library", verbosity=0)

    kinds = Repository.objects.order_by("slug").values_list("slug", "kind", "audience")
    assert list(kinds) == [
        ("conversion-notes", "notes", "public"),
        ("loading-script", "code", "public"),
        ("logbook-entries", "data", "public"),
    ]
    page = client.get("/library/smollm2/conversion-notes/v1/").content.decode()
    links = re.findall(r'href="(\w+\.md)"', page)
    assert links == ["conversion.md", "measurements.md", "limits.md"]
    for link in links:
        assert client.get(f"/library/smollm2/conversion-notes/v1/{link}").status_code == 200
    found = client.get("/library/search/?words=GeLU").content.decode()
    assert found.count('href="/library/opt/logbook-entries/v1/entries.csv"') == 1
    assert found.count('href="/logbook/opt-175b-11/2021-11-11-gelu-to-relu/"') == 1


def test_the_table_is_the_logbook() -> None:
    """After a change of the logbook run this with UPDATE_COMMAND_MATRIX=1."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for book in read_logbooks(DEMO):
        for entry in book.entries:
            front = entry.front
            writer.writerow(
                [
                    front.time.isoformat(), entry.run, front.kind, front.title, entry.body,
                    front.source, front.source_url,
                ]
            )  # fmt: skip

    compare(text.getvalue().splitlines(), DEMO / "library" / "opt-logbook" / "entries.csv")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
async def test_the_script_continues_a_text_with_weights_of_the_site(
    tmp_path: Path, weights_dir: Path
) -> None:
    python = HF["1.x"].with_name("python")
    if not python.exists() and not os.environ.get("CI"):
        pytest.skip("this client's environment is not installed")
    local = Machine(tmp_path / "local", "http://127.0.0.1:1", "")
    made = await local.run(python, "-c", MAKING, weights_dir / "made")
    assert made.code == 0, made
    script = shutil.copy(DEMO / "library" / "loading-script" / "continue_text.py", tmp_path)

    files = {file.name: file.read_bytes() for file in (weights_dir / "made").iterdir()}
    revision = await in_thread(lambda: make_revision(None, files))
    key = await in_thread(lambda: make_key(make_holder(revision.repository.model)))
    words = ("once upon", "--tokens", "3", "--revision", "v1")
    async with serve() as site:
        machine = Machine(tmp_path / "home", site, key)
        done = await machine.run(python, "-W", "ignore", script, "family/tiny", *words)
        offline = await local.run(python, "-W", "ignore", script, weights_dir / "made", *words)

    line, expected = done.text.splitlines()[-1], offline.text.splitlines()[-1]
    assert (done.code, offline.code) == (0, 0), (done, offline)
    assert line == expected
    assert line.startswith("once upon ")
    assert len(line.split()) == 5
