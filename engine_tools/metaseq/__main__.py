"""The command line. Ends with one line per problem and an `ExitCode`, never with a traceback."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from engine_tools.metaseq.errors import ConversionError, ExitCode

SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[KMGT]?B)", re.ASCII | re.IGNORECASE)
UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
DTYPES = ("float16", "bfloat16", "float32")


def parse_bytes(text: str) -> int:
    """`5GB`, `500 MB`; units are decimal. Raises `ArgumentTypeError`."""
    match = SIZE.fullmatch(text.strip())
    count = int(float(match["number"]) * UNITS[match["unit"].upper()]) if match else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 5GB")
    return count


def parse_positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def build_parser() -> argparse.ArgumentParser:
    from engine_tools.metaseq.model_config import SIZES

    parser = argparse.ArgumentParser(
        prog="metaseq", description="Convert metaseq's OPT checkpoints to safetensors for vLLM."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    convert = commands.add_parser("convert", help="write OUT, or finish an interrupted conversion")
    verify = commands.add_parser("verify", help="check SOURCE, and OUT against it; write nothing")
    for command in (convert, verify):
        command.add_argument("source", type=Path, help="folder with the .pt files, or one of them")
        command.add_argument("--md5", type=Path, help="published list of MD5 sums")
        command.add_argument("--size", choices=sorted(SIZES), help="expected size")
        command.add_argument("--dtype", choices=DTYPES, default="float16")
        command.add_argument("--max-shard-size", type=parse_bytes, default=parse_bytes("5GB"))
        command.add_argument("--num-attention-heads", type=parse_positive)
        jobs = min(4, os.cpu_count() or 1)
        command.add_argument("--jobs", type=parse_positive, default=jobs, help="parallel reads")
    convert.add_argument("out", type=Path, help="folder to write")
    convert.add_argument(
        "--tokenizer", type=Path, help="folder with the tokenizer's files, if not SOURCE"
    )
    verify.add_argument("out", type=Path, nargs="?", help="folder that convert wrote")
    return parser


def run(arguments: argparse.Namespace) -> list[str]:
    """Run the command and return lines for the operator. Raises `ConversionError`, `OSError`."""
    from engine_tools.metaseq.convert import convert
    from engine_tools.metaseq.plan import Options
    from engine_tools.metaseq.verify import verify

    options = Options(
        source=arguments.source,
        out=arguments.out or arguments.source,
        md5=arguments.md5,
        size=arguments.size,
        dtype=arguments.dtype,
        max_shard_bytes=arguments.max_shard_size,
        jobs=arguments.jobs,
        num_attention_heads=arguments.num_attention_heads,
        tokenizer=getattr(arguments, "tokenizer", None),
    )
    if arguments.command == "convert":
        return convert(options)
    return verify(options, compare=arguments.out is not None)


def main() -> int:
    try:
        lines, status = run(build_parser().parse_args()), ExitCode.DONE
    except ConversionError as error:
        lines, status = list(error.lines), error.exit_code
    except ImportError as error:
        lines = [f"{error}; run this with the engine's interpreter, in the repository's root"]
        status = ExitCode.ARGUMENTS
    except OSError as error:
        lines = [f"{error.filename or 'a file'}: {error.strerror or error}"]
        status = ExitCode.CANNOT_WRITE
    except KeyboardInterrupt:
        lines = ["stopped; run the same command again to continue"]
        status = ExitCode.INTERRUPTED
    for line in lines:
        print(f"metaseq: {line}", file=sys.stdout if status == ExitCode.DONE else sys.stderr)
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
