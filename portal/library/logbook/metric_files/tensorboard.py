"""Scalars from TensorBoard's event files: framed records with checksums, each a protocol buffer.

The frame is that of TFRecord; the messages are `Event`, `Summary.Value` and `TensorProto`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

from portal.library.logbook.metric_files.readings import MICROSECONDS, MetricFileError, Reading

Field: TypeAlias = tuple[int, int | bytes]
POLYNOMIAL: Final = 0x82F63B78  # Castagnoli's, reflected
WALL_TIME, STEP, SUMMARY = 1, 2, 5
TAG, SIMPLE_VALUE, TENSOR = 1, 2, 8
DTYPE, CONTENT, FLOATS, DOUBLES = 1, 4, 5, 6
FLOAT_TYPE, DOUBLE_TYPE = 1, 2


def read_events(path: Path) -> Iterator[Reading]:
    """Every scalar of the file; images, texts and histograms are left out."""
    for number, record in enumerate(_read_records(path), 1):
        try:
            yield from _read_event(f"record {number}", record)
        except (IndexError, struct.error, UnicodeDecodeError):
            raise MetricFileError(
                path, place=f"record {number}", field="event", message="is not an event"
            ) from None


def _read_records(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        number = 0
        while head := file.read(12):
            number += 1
            length = int.from_bytes(head[:8], "little")
            # A length that is wrong would ask for more memory than there is.
            if len(head) == 12 and _mask(head[:8]) == int.from_bytes(head[8:], "little"):
                record, check = file.read(length), file.read(4)
                if len(check) == 4 and _mask(record) == int.from_bytes(check, "little"):
                    yield record
                    continue
            raise MetricFileError(
                path,
                place=f"record {number}",
                field="checksum",
                message="does not fit, or the file is cut off",
            )


def _read_event(place: str, record: bytes) -> Iterator[Reading]:
    event = dict(_read_fields(record))
    summary = event.get(SUMMARY)
    if not isinstance(summary, bytes):
        return
    wall_time = struct.unpack("<d", _bytes(event.get(WALL_TIME, bytes(8))))[0]
    step = event.get(STEP, 0)
    for _, content in _read_fields(summary):
        value = dict(_read_fields(_bytes(content)))
        scalar = _read_scalar(value)
        if scalar is not None:
            tag = _bytes(value[TAG]).decode()
            yield Reading(place, tag, _int(step), None, round(wall_time * MICROSECONDS), scalar)


def _read_scalar(value: dict[int, int | bytes]) -> float | None:
    """PyTorch writes a simple value, TensorFlow 2 a tensor with one element."""
    if SIMPLE_VALUE in value:
        return float(struct.unpack("<f", _bytes(value[SIMPLE_VALUE]))[0])
    if TENSOR not in value:
        return None
    tensor = dict(_read_fields(_bytes(value[TENSOR])))
    for kind, field, form in ((FLOAT_TYPE, FLOATS, "<f"), (DOUBLE_TYPE, DOUBLES, "<d")):
        content = _bytes(tensor.get(CONTENT) or tensor.get(field, b""))
        if tensor.get(DTYPE) == kind and len(content) == struct.calcsize(form):
            return float(struct.unpack(form, content)[0])
    return None


def _read_fields(message: bytes) -> Iterator[Field]:
    """The fields of a protocol buffer: their numbers, with whole numbers or bytes."""
    place = 0
    while place < len(message):
        key, place = _read_varint(message, place)
        match key & 7:
            case 0:
                value, place = _read_varint(message, place)
                yield key >> 3, value
                continue
            case 1:
                size = 8
            case 2:
                size, place = _read_varint(message, place)
            case 5:
                size = 4
            case _:
                raise IndexError
        if place + size > len(message):
            raise IndexError
        yield key >> 3, message[place : place + size]
        place += size


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise IndexError
    return value


def _int(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise IndexError
    return value


def _list_remainders() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        rest = byte
        for _ in range(8):
            rest = rest >> 1 ^ (POLYNOMIAL if rest & 1 else 0)
        table.append(rest)
    return tuple(table)


_REMAINDERS: Final = _list_remainders()


def _mask(data: bytes) -> int:
    """CRC-32C, rotated and shifted as in TFRecord."""
    rest = 0xFFFFFFFF
    for byte in data:
        rest = _REMAINDERS[(rest ^ byte) & 0xFF] ^ rest >> 8
    rest ^= 0xFFFFFFFF
    return ((rest >> 15 | rest << 17) + 0xA282EAD8) & 0xFFFFFFFF
