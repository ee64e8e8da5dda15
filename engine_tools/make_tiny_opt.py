"""Make a tiny OPT with random weights and its own byte-level BPE, for tests.

    python engine_tools/make_tiny_opt.py OUT [--init-std 0.3]

Run with the interpreter that has torch and transformers. The same seed makes the same weights,
so tests can keep the folder. It is written beside OUT and renamed when complete.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path

SEED = 175
VOCABULARY = 2048
SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")
"""In the order of OPT's vocabulary: `</s>` is 2 and begins every text."""
TOKEN_ROLES = ("bos_token", "eos_token", "pad_token", "unk_token")
TOKENS_IN_ROLE = ("</s>", "</s>", "<pad>", "<unk>")
SENTENCES = (
    "A researcher signs the licence and reads the model card before the first prompt.",
    "Large language models answer in words that nobody has weighed.",
    "Naïve readers trust a fluent sentence; careful ones ask for its source.",
    "“Where does this number come from?” asked the reviewer — and waited.",
    "日本語の文章も、少しだけ入れておきます。 Ein paar Wörter auf Deutsch. 🙂🙃",
    "0 1 2 3 4 5 6 7 8 9 10 11 12 1984 2022 175 billion parameters",
)


def make_tokenizer(folder: Path) -> int:
    """Train and save the tokenizer, and return its number of tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="</s> $A", special_tokens=[("</s>", 2)]
    )
    roles = dict(zip(TOKEN_ROLES, TOKENS_IN_ROLE, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **roles).save_pretrained(folder)
    return int(tokenizer.get_vocab_size())


def make_weights(folder: Path, *, vocabulary: int, init_std: float) -> None:
    import torch
    from transformers import OPTConfig, OPTForCausalLM

    torch.manual_seed(SEED)
    config = OPTConfig(
        vocab_size=vocabulary,
        hidden_size=256,
        word_embed_proj_dim=256,
        num_hidden_layers=4,
        num_attention_heads=8,
        ffn_dim=1024,
        max_position_embeddings=1024,
        init_std=init_std,
        bos_token_id=2,
        eos_token_id=2,
        pad_token_id=1,
    )
    OPTForCausalLM(config).to(torch.float32).save_pretrained(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a tiny OPT with random weights.")
    parser.add_argument("out", type=Path, help="folder to create")
    parser.add_argument(
        "--init-std",
        type=float,
        default=0.3,
        help="a wide spread (0.3) avoids completions that only repeat one token; "
        "a narrow one (0.06) leaves less room for float32 noise",
    )
    arguments = parser.parse_args()
    out: Path = arguments.out.resolve()
    if (out / "config.json").is_file():
        print(f"make_tiny_opt: {out} already exists", flush=True)
        return
    os.environ.setdefault("TQDM_DISABLE", "1")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        make_weights(partial, vocabulary=make_tokenizer(partial), init_std=arguments.init_std)
        partial.chmod(0o755)
        try:
            partial.rename(out)
        except OSError:
            # Another run may have finished first; the same seed made the same folder.
            if not (out / "config.json").is_file():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    print(f"make_tiny_opt: wrote {out}", flush=True)


if __name__ == "__main__":
    main()
