"""A tiny OPT with random weights beside the demo's model, with an engine of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from demo.place import ROOT
from tests.e2e.stack import DemoStack
from tests.inference_workers.real_engine import WEIGHTS_DIR, run_tool

CALM_OPT: Final = "calm-opt"
SLUG: Final = "opt-125m"
"""The release's model whose row stands for it."""
DEPLOYMENTS: Final = f"""
[deployments.{CALM_OPT}]
max_model_len = 512
max_num_seqs = 8
dtype = "float32"
extra_args = ["--enforce-eager"]

[deployments.{CALM_OPT}.env]
VLLM_CPU_KVCACHE_SPACE = "1"
VLLM_CPU_NUM_OF_RESERVED_CPU = "0"
TORCHDYNAMO_DISABLE = "1"
"""
OPEN_IT: Final = """
import sys, django
django.setup()
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from tests.factories.access import GrantFactory
slug, deployment, parameters, email = sys.argv[1:]
HostedModel.objects.filter(slug=slug).update(
    status="live", deployment=deployment, parameters=int(parameters)
)
model = HostedModel.objects.get(slug=slug)
GrantFactory.create(user=User.objects.get(email=email), model=model)
"""
CLOSE_IT: Final = """
import sys, django
django.setup()
from portal.gate.catalog.models import HostedModel
HostedModel.objects.filter(slug=sys.argv[1]).update(status="not_loaded")
"""


@contextmanager
def running_opt(stack: DemoStack, folder: Path) -> Iterator[Path]:
    """Serve it to the demo's researcher, and yield its weights' folder."""
    weights = WEIGHTS_DIR / CALM_OPT
    run_tool("make_tiny_opt.py", str(weights), "--init-std", "0.06")
    file = folder / "models.toml"
    file.write_text(DEPLOYMENTS)
    site, worker = stack.environments(CALM_OPT)
    email = stack.account("researcher").email
    words = [SLUG, CALM_OPT, str(count_parameters(weights)), email]
    _run_on_site(OPEN_IT, *words, environment=site)
    environment = {**worker, "MODELS_FILE": str(file)}
    commands = (
        [sys.executable, "-m", "inference_workers", "launch", CALM_OPT],
        [sys.executable, "-m", "celery", "-A", "inference_workers", "worker"],
    )
    with (folder / "opt.log").open("wb") as log:
        started = [
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
            for command in commands
        ]
        try:
            stack.wait_until(
                lambda: stack.is_ready(CALM_OPT), seconds=240, what="the second engine"
            )
            yield weights
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(timeout=60)
            # The playground of later tests would offer it first, and nothing would serve it.
            _run_on_site(CLOSE_IT, SLUG, environment=site)


def _run_on_site(program: str, *words: str, environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", program, *words], cwd=ROOT, env=environment, check=True)


def count_parameters(weights: Path) -> int:
    """The values in the folder's safetensors files."""
    total = 0
    for path in weights.glob("*.safetensors"):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        for name, tensor in header.items():
            size = 1
            for length in tensor["shape"] if name != "__metadata__" else [0]:
                size *= length
            total += size
    return total
