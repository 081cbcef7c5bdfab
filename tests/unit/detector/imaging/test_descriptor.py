"""Descriptors survive the wire and the store, and refuse those of another version."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from include.detector.imaging import Descriptor, DescriptorVersionError, analyze
from tests.support.drawn import file, scene


def test_outputs_and_bytes_bring_back_the_same_descriptor() -> None:
    descriptor = analyze(file(scene()))
    assert Descriptor.from_outputs(json.loads(json.dumps(descriptor.to_outputs()))) == descriptor
    assert Descriptor.from_bytes(descriptor.to_bytes()) == descriptor
    assert pickle.loads(pickle.dumps(descriptor)) == descriptor  # noqa: S301


def test_outputs_stay_under_twelve_kilobytes() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)
    assert len(json.dumps(analyze(file(Image.fromarray(noise))).to_outputs())) < 12_288


def test_another_version_is_refused() -> None:
    old = replace(analyze(file(scene())), version="older")
    with pytest.raises(DescriptorVersionError, match="analyze the picture again"):
        Descriptor.from_outputs(old.to_outputs())
    with pytest.raises(DescriptorVersionError):
        Descriptor.from_bytes(old.to_bytes())


@pytest.mark.parametrize("change", [{"descriptor": "%%%"}, {"descriptor": "AAAA"}, {"descriptor": None}])
def test_changed_outputs_are_refused(change: dict[str, object]) -> None:
    outputs = analyze(file(scene())).to_outputs() | change
    with pytest.raises(ValueError, match="descriptor"):
        Descriptor.from_outputs(outputs)


def test_equal_pixels_have_equal_hashes_whatever_the_file() -> None:
    assert analyze(file(scene(), "BMP")).content_hash == analyze(file(scene())).content_hash
    assert analyze(file(scene(seed=1))).content_hash != analyze(file(scene())).content_hash


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (3000, 2), (13, 700)])
def test_odd_shapes_are_described(size: tuple[int, int]) -> None:
    assert analyze(file(scene(*size))).width == size[0]


@pytest.mark.parametrize("name", ["layout", "thumbnail"])
def test_outputs_whose_pixels_cannot_be_decoded_are_refused(name: str) -> None:
    damaged = replace(analyze(file(scene())), **{name: b"no picture"})
    with pytest.raises(ValueError, match=f"{name} cannot be decoded"):
        Descriptor.from_outputs(damaged.to_outputs())
