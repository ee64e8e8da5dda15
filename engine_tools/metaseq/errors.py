"""The errors that end a conversion, each a sentence for the operator."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Statuses of the command; 2 is argparse's own for wrong arguments."""

    DONE = 0
    ARGUMENTS = 2
    SOURCE_DAMAGED = 3
    """Files are missing, truncated, or not the published ones."""
    UNSUPPORTED = 4
    """The files are intact, but not an OPT that this tool can convert."""
    CANNOT_WRITE = 5
    """The output folder lacks space, is in use, or belongs to another conversion."""
    DIFFERENT = 6
    """`verify` found output that differs from its source."""
    INTERRUPTED = 130


class ConversionError(Exception):
    """Has one line per problem; each names the file and the way out."""

    exit_code = ExitCode.UNSUPPORTED

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class SourceDamagedError(ConversionError):
    exit_code = ExitCode.SOURCE_DAMAGED


class UnsupportedCheckpointError(ConversionError):
    exit_code = ExitCode.UNSUPPORTED


class CannotWriteError(ConversionError):
    exit_code = ExitCode.CANNOT_WRITE


class OutputDiffersError(ConversionError):
    exit_code = ExitCode.DIFFERENT
