"""Reads the arrays of a PyTorch checkpoint without PyTorch.

The published EfficientNet-Lite0 weights are a state dict in PyTorch's first file format: five pickles, then
the raw values of each storage. Only tensors and ordered dictionaries are let through the unpickler.
"""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
TYPES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Storage:
    """Stands for a class like torch.FloatStorage."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.types: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *_: (storage, offset, size, stride)
        if module == "torch" and name in TYPES:
            return _Storage(name)
        raise pickle.UnpicklingError(f"the checkpoint wants {module}.{name}, which no weights file needs")

    def persistent_load(self, pid: Any) -> str:
        _, storage, key, _, _, _ = pid
        self.types[key] = TYPES[storage.name]
        return str(key)


def read_state_dict(path: Path) -> dict[str, NDArray[Any]]:
    """Return all tensors of the checkpoint by name.

    Raises:
        ValueError: the file is not a checkpoint of that format.
    """
    with path.open("rb") as file:
        if pickle.load(file) != MAGIC:  # noqa: S301
            raise ValueError(f"{path} is not a PyTorch checkpoint of the first format")
        pickle.load(file)  # noqa: S301  protocol version
        pickle.load(file)  # noqa: S301  byte order and sizes of the writing machine
        unpickler = _Unpickler(file)
        tensors = unpickler.load()
        storages = {key: _read_storage(file, unpickler.types[key]) for key in pickle.load(file)}  # noqa: S301
    return {name: _tensor(storages, *place) for name, place in tensors.items()}


def _read_storage(file: IO[bytes], kind: np.dtype[Any]) -> NDArray[Any]:
    (length,) = struct.unpack("<q", file.read(8))
    return np.frombuffer(file.read(length * kind.itemsize), kind)


def _tensor(
    storages: dict[str, NDArray[Any]], key: str, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> NDArray[Any]:
    values = storages[key][offset:]
    steps = tuple(step * values.itemsize for step in stride)
    return np.lib.stride_tricks.as_strided(values, size, steps).copy()
