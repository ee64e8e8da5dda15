"""Metrics from the tools that people train with."""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path

import pytest

from portal.library.logbook.metric_files.collect import collect_metrics
from portal.library.logbook.metric_files.readings import MetricFileError

SECOND = 1_000_000
START = 1772323200
EVENTS = base64.b64decode(
    "SAAAAAAAAAD+kkidCReazHN4w9pBGg1icmFpbi5FdmVudDoyUi4KLHRlbnNvcmJvYXJkLnN1bW1hcnkud3JpdGVyLmV2"
    "ZW50X2ZpbGVfd3JpdGVyRlNeVCkAAAAAAAAAN/9fAAkAACBg4GjaQSoeChEKCnRyYWluL2xvc3MVAAAoQQoJCgJschVv"
    "EgM6IhaJESEAAAAAAAAAAXvs9gkAABB54GjaQRCsAioTChEKCnRyYWluL2xvc3MVAAAUQdfSqHkyAAAAAAAAACQZVuwJ"
    "AAAQeeBo2kEQrAIqJAoiCglldmFsL2xvc3NCCAgBKgQAAGBASgsKCQoHc2NhbGFyc5F2pIcyAAAAAAAAACQZVuwJAAAA"
    "kuBo2kEQ2AQqJAoiCglldmFsL2xvc3NCCAgBIgQAAFBASgsKCQoHc2NhbGFyc3mARdAhAAAAAAAAAAF77PYJAAAAkuBo"
    "2kEQ2AQqEwoRCgRub3RlQgkIB0IFaGVsbG9aWY4S"
)
"""Written by TensorBoard 2.21: simple values as PyTorch writes them, tensors as TensorFlow 2."""


def read(folder: Path, **files: str | bytes) -> dict[str, list[tuple[float, ...]]]:
    paths = []
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(path)
    found = collect_metrics(paths)
    return {name: [tuple(row) for row in metric.points] for name, metric in found.items()}


def refusal(folder: Path, **files: str | bytes) -> str:
    with pytest.raises(MetricFileError) as caught:
        read(folder, **files)
    return str(caught.value).removeprefix(f"{folder}/")


def test_tensorboards_scalars_are_read(tmp_path: Path) -> None:
    assert read(tmp_path, events__out__tfevents__1=EVENTS) == {
        "train/loss": [
            (0, 0, START * SECOND + SECOND // 2, 10.5),
            (300, 0, (START + 100) * SECOND + SECOND // 4, 9.25),
        ],
        "lr": [(0, 0, START * SECOND + SECOND // 2, 0.0005000000237487257)],
        "eval/loss": [
            (300, 0, (START + 100) * SECOND + SECOND // 4, 3.5),
            (600, 0, (START + 200) * SECOND, 3.25),
        ],
    }


@pytest.mark.parametrize("place", [0, 8, 12, 100, 374])
def test_a_changed_byte_in_an_event_file_is_noticed(tmp_path: Path, place: int) -> None:
    broken = EVENTS[:place] + bytes([EVENTS[place] ^ 1]) + EVENTS[place + 1 :]

    assert refusal(tmp_path, tfevents=broken).endswith(
        "checksum: does not fit, or the file is cut off"
    )


def test_an_event_file_that_is_cut_off_names_its_record(tmp_path: Path) -> None:
    assert refusal(tmp_path, tfevents=EVENTS[:-3]) == (
        "tfevents: record 6: checksum: does not fit, or the file is cut off"
    )


def test_the_history_of_wandb_is_read_as_json_lines(tmp_path: Path) -> None:
    rows = [
        {
            "_step": 0,
            "_timestamp": START + 0.5,
            "_runtime": 3,
            "loss": 10.5,
            "note": "x",
            "ok": True,
        },
        {"_step": 1, "_timestamp": START + 1.5, "loss": "NaN", "grads": {"bins": [1]}, "lr": None},
        {"_step": 2, "_timestamp": START + 2.5, "loss": "-Infinity", "lr": 1},
    ]

    found = read(tmp_path, history__jsonl="\n".join(map(json.dumps, rows)))

    assert list(found) == ["loss", "lr"]
    assert [row[:3] for row in found["loss"]] == [
        (step, 0, START * SECOND + step * SECOND + SECOND // 2) for step in range(3)
    ]
    assert found["loss"][0][3] == 10.5
    assert math.isnan(found["loss"][1][3])
    assert found["loss"][2][3] == -math.inf
    assert [row[3] for row in found["lr"]] == [1.0]


def test_the_history_of_wandb_is_read_as_csv(tmp_path: Path) -> None:
    text = "_step,_timestamp,_runtime,loss\n5,1772323200,1,2.5\n6,1772323201,2,\n"

    assert read(tmp_path, wandb__csv=text) == {"loss": [(5, 0, START * SECOND, 2.5)]}


def test_several_files_continue_a_metric(tmp_path: Path) -> None:
    first, second = "step,loss\n1,3\n", "step,loss\n2,2.5\n"

    assert read(tmp_path, a__csv=first, b__csv=second)["loss"] == [(1, 0, 0, 3.0), (2, 0, 0, 2.5)]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a__jsonl", '{"_step": 1}\n{"_step": 2', "line 2: row: Expecting ',' delimiter"),
        ("a__jsonl", '{"loss": 1}', "line 1: _step: is missing"),
        ("a__jsonl", '{"_step": 1.5, "loss": 1}',
         "line 1: step: is a whole number, and not negative"),
        ("a__csv", "step,loss,loss\n", "line 1: header: every column has its own name"),
        ("a__csv", "step,metric,value\n1,,2\n",
         "line 2: metric: has 1 to 100 printable characters"),
        ("a__csv", "step,metric,value\n1,loss,\n", "line 2: value: is a number"),
        ("a__csv", "step,loss\n1,\xff\n", "line 2: loss: is a number"),
        ("a__txt", "", "name: file: ends in .csv or .jsonl, or has tfevents in it"),
    ],
)  # fmt: skip
def test_an_error_names_the_place_and_field(
    tmp_path: Path, name: str, text: str, problem: str
) -> None:
    assert refusal(tmp_path, **{name: text}) == f"{name.replace('__', '.')}: {problem}"


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, a__csv=b"step,loss\n1,\xff\n") == "a.csv: byte 12: file: is not UTF-8"
