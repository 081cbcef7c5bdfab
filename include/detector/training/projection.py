"""The projection that makes a copy descriptor of network features, in closed form.

Many edited versions of each picture show how features change under editing; differences between pictures
show what tells them apart. Linear discriminant analysis whitens the first and keeps the directions in which
the second is largest. No gradient descent, a few seconds once the features are there.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from include.detector.editing.edits import random_edit
from include.detector.imaging.embedding import network_input, session
from include.safe_picture import UnreadableImageError, decode

VERSIONS = 7
SHRINKAGE = 0.1  # of the covariance within pictures towards a sphere
LONGEST_SIDE = 512
MOST_PIXELS = 30_000_000


def edited_features(network: bytes, paths: list[Path]) -> NDArray[np.float32]:
    """Features of each picture and of random edits of it, float32 [pictures, VERSIONS, FEATURES]."""
    running, found = session(network), []
    for path in tqdm(paths, desc="features", unit="picture"):
        try:
            picture = decode(path.read_bytes(), MOST_PIXELS)
        except UnreadableImageError as error:
            print(f"left out {path}: {error}")
            continue
        found.append(_versions(running, Image.fromarray(picture.rgb), path.name))
    return np.stack(found)


def fit_projection(
    features: NDArray[np.float32], dimensions: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean [FEATURES] and the matrix [FEATURES, dimensions] to project with."""
    pictures, versions, width = features.shape
    mean = features.reshape(-1, width).mean(axis=0, dtype=np.float64)
    centred = features - mean
    per_picture = centred.mean(axis=1, keepdims=True)
    inside = (centred - per_picture).reshape(-1, width)
    within = inside.T @ inside / (pictures * (versions - 1))
    within = within * (1 - SHRINKAGE) + SHRINKAGE * np.trace(within) / width * np.eye(width)
    values, vectors = np.linalg.eigh(within)
    whiten = vectors / np.sqrt(values)
    spread, axes = np.linalg.eigh(np.cov((per_picture[:, 0] @ whiten).T))
    order = np.argsort(-spread)[:dimensions]
    matrix = whiten @ axes[:, order] / np.sqrt(spread[order] + 1)
    return mean.astype(np.float32), matrix.astype(np.float32)


def _versions(running: onnxruntime.InferenceSession, image: Image.Image, seed: str) -> NDArray[Any]:
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    rng = random.Random(seed)  # noqa: S311
    edits = [image, *(random_edit(image, rng) for _ in range(VERSIONS - 1))]
    batch = np.concatenate([network_input(np.asarray(edit)) for edit in edits])
    found: NDArray[Any] = running.run(None, {"image": batch})[0][:, 0]
    return found
