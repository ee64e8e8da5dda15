"""Unpickling that cannot run code: anything but a container or a tensor becomes an inert object.

Besides the weights, metaseq's files have an `argparse.Namespace` or OmegaConf objects under `cfg`,
and objects of the trainer (`metaseq/checkpoint_utils.py`). Importing their classes would need
metaseq, and a downloaded file can take over a machine if the functions that its pickle names are
called. So no name in a pickle is ever imported. An unknown class is replaced by an empty one that
ignores its arguments and keeps its state readable.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

STORAGES = {
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
BYTES = {
    "float16": 2,
    "bfloat16": 2,
    "float32": 4,
    "float64": 8,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
}
"""Bytes of one element."""


class Inert(dict[Any, Any]):
    """Replaces an object of an unknown class. Its state is in `state`; it does nothing."""

    state: Any = None

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        super().__init__()

    def __setstate__(self, state: object) -> None:
        self.state = state

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    def append(self, _item: object) -> None:
        """Replaces a list's method."""

    def extend(self, _items: object) -> None:
        """Replaces a list's method."""

    def add(self, _item: object) -> None:
        """Replaces a set's method."""


@dataclass(frozen=True, slots=True)
class StorageRef:
    """A storage's record in the archive."""

    key: str
    dtype: str


@dataclass(frozen=True, slots=True)
class TensorRef:
    """A tensor as the pickle describes it; offset and strides count elements."""

    storage: StorageRef
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _rebuild_tensor(
    storage: StorageRef, offset: int, size: object, stride: object, *_rest: object
) -> TensorRef:
    return TensorRef(storage, int(offset), _read_ints(size), _read_ints(stride))


def _rebuild_parameter(data: TensorRef, *_rest: object) -> TensorRef:
    return data


def _read_ints(value: object) -> tuple[int, ...]:
    if not isinstance(value, tuple):
        raise pickle.UnpicklingError("a tensor's shape is not a tuple")
    return tuple(int(number) for number in value)


KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "Size"): tuple,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
}


class InertUnpickler(pickle.Unpickler):
    """Reads torch's `data.pkl`; tensors become `TensorRef`s, without their numbers."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self._inert: dict[tuple[str, str], type[Inert]] = {}

    def find_class(self, module: str, name: str) -> Any:
        """A known replacement or an inert class; never an import."""
        known = KNOWN.get((module, name))
        if known is not None:
            return known
        if (module, name) not in self._inert:
            self._inert[module, name] = type(name, (Inert,), {"__module__": module})
        return self._inert[module, name]

    def persistent_load(self, pid: Any) -> StorageRef:
        """A reference to a storage. Raises `UnpicklingError` for an unknown kind of storage."""
        match pid:
            case ("storage", type() as kind, str(key), _, int()) if kind.__name__ in STORAGES:
                return StorageRef(key, STORAGES[kind.__name__])
            case _:
                raise pickle.UnpicklingError("a storage of an unknown kind")


def find_setting(value: object, name: str) -> Any:
    """The first plain value called `name` anywhere inside `value`, or None.

    Searches containers and the state of inert objects, including OmegaConf's nodes, which keep a
    value as `_val` and children as `_content`.
    """
    for key, item in _walk(value, set()):
        if key == name and (found := _plain(item)) is not None:
            return found
    return None


def _plain(item: object) -> Any:
    if isinstance(item, Inert) and isinstance(item.state, dict):
        item = item.state.get("_val")
    return item if isinstance(item, str | int | float | bool) else None


def _walk(value: object, seen: set[int]) -> Iterator[tuple[object, object]]:
    if id(value) in seen or not isinstance(value, dict | list | tuple):
        return
    seen.add(id(value))
    if isinstance(value, Inert) and value.state is not None:
        yield from _walk(value.state, seen)
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield key, item
        yield from _walk(item, seen)
