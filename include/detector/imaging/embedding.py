"""The learned half of stage 1: 256 numbers that stay alike when a picture is cropped, coloured or written on.

The network is a file in this package, built by `include.detector.training.build_embedding`; see NOTICE
beside it. One run describes the whole picture and five overlapping parts.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else the import leaves a device id in the home folder
import onnxruntime

if TYPE_CHECKING:
    from numpy.typing import NDArray

NETWORK = Path(__file__).with_name("copy-descriptor.onnx")
DIMENSIONS = 256
INPUT_SIDE = 224
LEVELS = 127 / 0.25  # a unit vector's entries, seldom above 0.25, as int8


def embed(rgb: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Describe a picture of any size.

    Args:
        rgb: uint8 [height, width, 3].

    Returns:
        int8 [6, 256]: the whole picture, its four corners and its centre; unit vectors times LEVELS.
    """
    found = np.asarray(_own_session().run(None, {"image": network_input(rgb)})[0])[0]
    codes: NDArray[np.int8] = np.clip(np.round(found * LEVELS), -127, 127).astype(np.int8)
    return codes


def network_input(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture squeezed to the network's input, uint8 [1, 224, 224, 3]."""
    size = (INPUT_SIDE, INPUT_SIDE)
    return cast("NDArray[np.uint8]", cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)[None])


def session(network: bytes) -> onnxruntime.InferenceSession:
    """A session that computes in the calling thread only: the server analyzes in a pool of processes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


@cache
def _own_session() -> onnxruntime.InferenceSession:
    return session(NETWORK.read_bytes())
