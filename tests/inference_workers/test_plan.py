"""`python -m inference_workers plan`: tables for people, JSON for scripts, a line for errors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from inference_workers.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
EIGHT_A100 = ("--gpu", "a100-80gb", "--count", "8")
SIXTEEN_RANKS = ("--tensor-parallel-size", "16")

OPT_175B_ON_EIGHT_A100 = """\
opt-175b (174.6 B parameters) in float16 on 8 x A100-SXM4 80 GB
tensor parallel 8, pipeline parallel 1

Memory: fits
  weights                   349.2 GB (325.2 GiB)
    on the fullest GPU      40.7 GiB
    of usable               73.6 GiB
  room for keys and values  263.6 GiB
    of one token            4.72 MB
  KV slots                  59,968 tokens
  full-length sequences     29 of 2,048 tokens

Speed and energy with 2,048 tokens per sequence
  batch     floor  expected   at most  expected    energy       carbon
         ms/token  ms/token  tokens/s  tokens/s  kWh/1000  g CO2e/1000
      1      22.0      49.1        45        20    0.0288        13.82
      8      26.1      56.9       306       140    0.0042         2.00
     29      38.6      80.6       752       360    0.0016         0.78

Concurrent users at 100 ms per token: 29 expected, 29 at best (29 fit)
Emissions reach those of training, 75 t CO2e, after 95.9 billion tokens at batch 29

Assumptions
  memory: 0.92 of each GPU is the engine's; 0 GiB of it are reserved, as in published figures;
    an engine may reserve 3 GiB, as `check` does (--reserve-gib 3)
  floor: the longest of reading, arithmetic, sending; by the NVIDIA A100 data sheet, June 2021
  expected: deepspeed-bloom-176b (6 points, reproduced within 1.6%): memory at 75%, \
arithmetic at 47%, 101 us per all-reduce
  power: 1,920 W assumed, 60% of the rated power; x 1.1 for the data centre; 480 g CO2e per kWh
"""

TOO_FAST = (
    "--measured: 5 ms at batch 1 is less than the 22 ms that the hardware needs; "
    "give the time of a step, not the time divided by the batch"
)

OPT_66B_ON_L4 = """\
opt-66b, float16, sequences of 1,024 tokens

  GPU  count  TP x PP  KV slots  sequences  floor ms  expected ms
  l4       8    8 x 1    19,632         19      55.8         87.7
  l4      16    8 x 2    94,560         92      55.8         87.7
  l4      32    8 x 4   244,448        238      55.8         87.7

Times are per token at batch 1.
"""


@dataclass
class Answer:
    """What the command printed, and how it ended."""

    code: object
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Plan = Callable[..., Answer]


@pytest.fixture
def plan(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.delenv("MODELS_FILE", raising=False)

    def run(*arguments: str) -> Answer:
        code: object = 0
        try:
            main(["plan", *arguments])
        except SystemExit as error:
            code = error.code
        printed = capsys.readouterr()
        return Answer(code, printed.out, printed.err)

    return run


@pytest.fixture
def models_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The deployments file that the command reads; the weights folder is beside it."""
    file = tmp_path / "models.toml"
    monkeypatch.setenv("MODELS_FILE", str(file))
    monkeypatch.setenv("WEIGHTS_DIR", str(tmp_path))
    return file


def test_a_plan_is_a_readable_table(plan: Plan) -> None:
    assert plan("opt-175b", *EIGHT_A100) == Answer(0, OPT_175B_ON_EIGHT_A100, "")


def test_without_a_count_what_fits_is_listed(plan: Plan) -> None:
    arguments = ("opt-66b", "--gpu", "l4", "--context", "1024")
    assert plan(*arguments) == Answer(0, OPT_66B_ON_L4, "")


def test_gpus_that_never_fit_are_named(plan: Plan) -> None:
    answer = plan("bloom-176b", "--gpu", "t4", "--dtype", "float32")
    assert (answer.code, answer.out) == (
        1,
        ("bloom-176b, float32, sequences of 2,048 tokens\n\nDoes not fit on up to 32 of: t4\n"),
    )


def test_the_list_as_json_holds_every_gpu(plan: Plan) -> None:
    fits = plan("opt-175b", "--json").document
    smallest: dict[str, int] = {}
    for fit in fits:
        smallest.setdefault(fit["gpu"], fit["count"])
    assert smallest == {
        "v100-32gb": 16,
        "a100-40gb": 16,
        "a100-80gb": 8,
        "h100-80gb": 8,
        "h200-141gb": 4,
        "a6000": 8,
        "l40s": 16,
        "l4": 32,
        "t4": 32,
    }


def test_json_has_the_numbers_of_the_table(plan: Plan) -> None:
    document = plan("opt-175b", *EIGHT_A100, "--json", "--batch", "20").document
    assert document["memory"]["kv_slots"] == 59_968
    assert [speed["batch"] for speed in document["speeds"]] == [1, 8, 20]
    assert document["batch"] == 20
    assert document["users"] == {
        "target_ms": 100.0, "at_best": 29, "expected": 29, "at_memory": 29,
    }  # fmt: skip
    assert document["calibration"]["name"] == "deepspeed-bloom-176b"


def test_a_clean_grid_is_null_in_json_and_no_line_in_the_table(plan: Plan) -> None:
    clean = ("opt-175b", *EIGHT_A100, "--carbon-intensity", "0")
    speed = plan(*clean, "--json").document["speeds"][0]
    assert (speed["grams_co2e_per_1000_tokens"], speed["tokens_like_training"]) == (0, None)
    assert [line for line in plan(*clean).out.splitlines() if "Emissions" in line] == []


def test_measured_power_takes_the_place_of_the_assumed(plan: Plan) -> None:
    power = plan("opt-175b", *EIGHT_A100, "--json", "--power-watts", "2500").document["power"]
    assert (power["watts"], power["is_measured"]) == (2500.0, True)


def test_points_of_ones_own_take_the_place_of_the_published(plan: Plan) -> None:
    measured = ("--measured", "1=40,29=80", "--json")
    document = plan("opt-175b", *EIGHT_A100, *measured).document
    expected = {speed["batch"]: speed["expected_ms"] for speed in document["speeds"]}
    assert expected[1] == pytest.approx(40)
    assert expected[29] == pytest.approx(80)
    assert document["calibration"]["points"] == 2


def test_what_does_not_fit_says_why_and_ends_with_1(plan: Plan) -> None:
    answer = plan("opt-175b", "--gpu", "a100-40gb", "--count", "8")
    assert answer.code == 1
    assert answer.out.splitlines()[3] == (
        "Memory: does not fit. The weights take 40.7 GiB of each GPU, but only 36.8 GiB are usable."
    )


def test_tensor_parallelism_beyond_a_host_carries_a_warning(plan: Plan) -> None:
    answer = plan("opt-175b", *("--gpu", "v100-32gb", "--count", "16"), *SIXTEEN_RANKS)
    assert answer.out.splitlines()[1] == "tensor parallel 16, pipeline parallel 1"
    assert answer.out.splitlines()[-1].startswith("  network: tensor parallelism across hosts")


def test_a_deployments_hosts_may_hold_more_gpus(plan: Plan) -> None:
    answer = plan("opt-175b-tp16", "--gpu", "v100-32gb", "--count", "16")
    assert answer.out.splitlines()[1] == "tensor parallel 16, pipeline parallel 1"
    assert answer.out.splitlines()[-1].startswith("  power: ")


def test_a_deployments_settings_count(plan: Plan, models_file: Path) -> None:
    models_file.write_text(
        """
        [deployments.big]
        hub = "facebook/opt-13b"
        max_model_len = 1000
        max_num_seqs = 7
        tensor_parallel_size = 2
        pipeline_parallel_size = 2
        dtype = "bfloat16"
        gpu_memory_utilization = 0.5
        """
    )
    document = plan("big", "--gpu", "a100-40gb", "--count", "4", "--json").document
    assert (document["model"], document["dtype"], document["context"]) == (
        "opt-13b",
        "bfloat16",
        1000,
    )
    assert (document["tensor_parallel_size"], document["pipeline_parallel_size"]) == (2, 2)
    assert document["batch"] == 7
    assert document["memory"]["assumptions"]["gpu_memory_utilization"] == 0.5

    on_eight = plan("big", "--gpu", "a100-40gb", "--count", "8", "--json").document
    assert (on_eight["tensor_parallel_size"], on_eight["pipeline_parallel_size"]) == (8, 1)


def test_a_deployments_weights_say_what_they_are(plan: Plan, models_file: Path) -> None:
    models_file.write_text(
        "[deployments.mine]\nmax_model_len = 100\n[deployments.other]\nmax_model_len = 100"
    )
    write_config(models_file.parent / "mine" / "config.json")

    mine = plan("mine", "--gpu", "l4", "--count", "1", "--json").document
    other = plan("other", "--gpu", "t4", "--count", "1")

    assert (mine["model"], mine["parameters"], mine["dtype"]) == ("mine", 134_515_008, "bfloat16")
    assert (other.code, other.err) == (
        2,
        (
            "inference_workers: MODEL: the shape of 'other' is unknown and "
            f"{models_file.parent}/other/config.json does not exist; "
            "give a config.json with --config\n"
        ),
    )


def test_any_config_json_is_a_model(plan: Plan, tmp_path: Path) -> None:
    write_config(tmp_path / "smol" / "config.json")
    for path in (tmp_path / "smol", tmp_path / "smol" / "config.json"):
        document = plan("--config", str(path), "--gpu", "l4", "--count", "1", "--json").document
        assert (document["model"], document["parameters"]) == ("smol", 134_515_008)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x", "is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "is not a JSON object"),
    ],
)
def test_a_file_that_is_no_config_is_named(
    plan: Plan, tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "config.json"
    file.write_text(content)
    answer = plan("--config", str(file))
    assert (answer.code, answer.err) == (2, f"inference_workers: --config: {file} {message}\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "MODEL: give a model, a deployment or --config"),
        (
            ("opt-175b", "--config", "x"),
            "--config: cannot be combined with a model's name; give one of them",
        ),
        (("--config", "nowhere"), "--config: nowhere cannot be read: No such file or directory"),
        (("opt-175b", "--count", "two"), "--count: invalid int value: 'two'"),
        (("opt-175b", *EIGHT_A100[:2], "--count", "0"), "--count: at least 1 GPU is needed"),
        (
            ("opt-175b", *EIGHT_A100, "--tensor-parallel-size", "3"),
            "--tensor-parallel-size: 8 GPUs cannot be split into groups of 3",
        ),
        (
            ("opt-175b", *EIGHT_A100, "--pipeline-parallel-size", "5"),
            "--pipeline-parallel-size: 8 GPUs cannot be split into groups of 5",
        ),
        (
            ("opt-175b", *EIGHT_A100, "--context", "4096"),
            "--context: must be 1 to 2048 tokens for opt-175b",
        ),
        (("opt-175b", *EIGHT_A100, "--batch", "0"), "--batch: must be at least 1"),
        (("opt-175b", *EIGHT_A100, "--target-ms", "0"), "--target-ms: must be more than 0"),
        (("opt-175b", *EIGHT_A100, "--power-watts", "0"), "--power-watts: must be more than 0"),
        (
            ("opt-175b", *EIGHT_A100, "--carbon-intensity", "nan"),
            "--carbon-intensity: must be 0 or more",
        ),
        (
            ("opt-175b", *EIGHT_A100, "--gpu-memory-utilization", "92"),
            "--gpu-memory-utilization: must be above 0 and at most 1",
        ),
        (("opt-175b", *EIGHT_A100, "--reserve-gib", "-1"), "--reserve-gib: must be 0 or more"),
        (
            ("opt-175b", *EIGHT_A100, "--measured", "44"),
            "--measured: expected BATCH=MS,BATCH=MS,…, not '44'",
        ),
        (("opt-175b", *EIGHT_A100, "--measured", "1=5"), TOO_FAST),
        (
            ("opt-175b", "--batch", "4"),
            "--batch: needs one machine; give --gpu and --count too",
        ),
        (
            ("opt-175b", *EIGHT_A100, "--dtype", "int4"),
            "--dtype: invalid choice: 'int4' (choose from 'float32', 'float16', 'bfloat16')",
        ),
        (("opt-175b", "--cuont", "8"), "unrecognized arguments: --cuont 8"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_option(
    plan: Plan, arguments: tuple[str, ...], line: str
) -> None:
    assert plan(*arguments) == Answer(2, "", f"inference_workers: {line}\n")


def test_unknown_names_come_with_those_that_are_known(plan: Plan) -> None:
    model, gpu = plan("gpt-4"), plan("opt-175b", "--count", "8", "--gpu", "tpu")
    assert model.err.startswith(
        "inference_workers: MODEL: 'gpt-4' is neither a deployment nor a known model (known: bloom-"
    )
    assert gpu.err.startswith("inference_workers: --gpu: 'tpu' is unknown (known: v100-32gb, ")
    assert (model.code, gpu.code) == (2, 2)


def test_the_module_runs_and_names_its_commands() -> None:
    command = [sys.executable, "-m", "inference_workers"]
    planned, unknown = (
        subprocess.run(
            [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        for arguments in (["plan", "opt-175b", *EIGHT_A100], ["plann"])
    )
    assert (planned.returncode, planned.stdout) == (0, OPT_175B_ON_EIGHT_A100)
    assert (unknown.returncode, unknown.stderr) == (
        2,
        "inference_workers: COMMAND must be one of launch, fetch, check, plan, not 'plann'\n",
    )


def write_config(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(
        json.dumps(
            {
                "model_type": "llama",
                "num_hidden_layers": 30,
                "hidden_size": 576,
                "num_attention_heads": 9,
                "num_key_value_heads": 3,
                "intermediate_size": 1536,
                "vocab_size": 49152,
                "max_position_embeddings": 8192,
                "tie_word_embeddings": True,
                "torch_dtype": "bfloat16",
            }
        )
    )
