"""The folder that an engine reads, as read by our code and by the tokenizers library."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer

from benchmarks.opt_folder import write_opt_folder
from capacity.config_json import read_shape
from capacity.shapes import SHAPES


def test_the_config_is_that_of_opt_175b(tmp_path: Path) -> None:
    write_opt_folder(tmp_path, SHAPES["opt-175b"], dtype="float16")

    config = json.loads((tmp_path / "config.json").read_text())

    asked = ("hidden_size", "num_attention_heads", "ffn_dim", "vocab_size", "num_hidden_layers")
    assert [config[name] for name in asked] == [12288, 96, 49152, 50272, 96]
    assert config["word_embed_proj_dim"] == 12288
    assert read_shape(config, name="read").parameters == SHAPES["opt-175b"].parameters


def test_a_narrower_embedding_is_kept(tmp_path: Path) -> None:
    write_opt_folder(tmp_path, SHAPES["opt-350m"], dtype="float16")

    config = json.loads((tmp_path / "config.json").read_text())

    assert read_shape(config, name="opt-350m") == SHAPES["opt-350m"]


def test_every_id_has_a_text_of_its_own(tmp_path: Path) -> None:
    write_opt_folder(tmp_path, SHAPES["opt-125m"], dtype="float16")

    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))

    assert tokenizer.get_vocab_size() == 50272
    assert tokenizer.decode([10, 50271]) == "t10 t50271"
    assert tokenizer.encode("t10 t50271").ids == [10, 50271]
