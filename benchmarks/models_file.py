"""The models file of a measured site: the demo's deployment, with any model."""

from __future__ import annotations

from pathlib import Path

from benchmarks.opt_folder import write_opt_folder
from capacity.shapes import ModelShape
from demo.place import ROOT

DEPLOYMENT = "smollm2-135m"
DUMMY_DTYPE = "bfloat16"
_HEADER = f"[deployments.{DEPLOYMENT}]\n"


def write_models_file(
    folder: Path, *, slots: int, context: int, weights: str, with_dummy: ModelShape | None
) -> Path:
    """The demo's deployment with this many slots, and a folder's weights or dummy ones."""
    document = (ROOT / "inference_workers" / "models.toml").read_text()
    head, header, tail = document.partition(_HEADER)
    changes = {
        "max_num_seqs = 32": f"max_num_seqs = {slots}",
        "max_model_len = 2048": f"max_model_len = {context}",
    }
    if with_dummy is not None:
        weights = str(folder / with_dummy.name)
        write_opt_folder(Path(weights), with_dummy, dtype=DUMMY_DTYPE)
        changes |= {
            'dtype = "float32"': f'dtype = "{DUMMY_DTYPE}"',
            '["--enforce-eager"]': '["--enforce-eager", "--load-format", "dummy"]',
        }
    for old, new in changes.items():
        tail = _replace(tail, old, new)
    file = folder / "models.toml"
    file.write_text(f'{head}{header}weights = "{weights}"\n{tail}')
    return file


def _replace(text: str, old: str, new: str) -> str:
    """Replace the first occurrence. Raises `ValueError` if there is none."""
    if old not in text:
        raise ValueError(f"models.toml has no {old} in {_HEADER.strip()}")
    return text.replace(old, new, 1)
