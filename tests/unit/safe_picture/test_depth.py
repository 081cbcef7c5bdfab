"""More than 8 bits: seen well, and never equal because they were cut."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.imaging import analyze
from include.safe_picture import decode
from tests.support.drawn import file, scene


def grey(seed: int = 0) -> np.ndarray:
    return np.asarray(scene(240, 160, seed).convert("L")).astype(np.float32)


def tiff(samples: np.ndarray) -> bytes:
    return file(Image.fromarray(samples), "TIFF")


def coded(samples: np.ndarray, suffix: str) -> bytes:
    order = [2, 1, 0, 3][: samples.shape[2]]
    return cv2.imencode(suffix, np.ascontiguousarray(samples[..., order]))[1].tobytes()


def exact(first: bytes, second: bytes) -> bool:
    return score_pair(Thumb.of(analyze(first)), Thumb.of(analyze(second)), mirror=True) >= 0.95


def test_grey_of_16_bit_with_a_transparent_value_is_two_pictures() -> None:
    one, other = (
        file(Image.fromarray((grey(seed) * 257).astype(np.uint16)), transparency=7) for seed in (1, 2)
    )
    assert decode(one).content != decode(other).content
    assert not analyze(one).flat
    assert np.abs(decode(one).rgb[..., 0] - grey(1)).max() <= 1


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_fewer_bits_stored_in_16_look_as_they_should(bits: int) -> None:
    samples = np.round(grey() / 255 * ((1 << bits) - 1)).astype(np.uint16)
    eight = file(Image.fromarray(grey().astype(np.uint8)))
    for kind in ("PNG", "TIFF"):
        assert np.abs(decode(file(Image.fromarray(samples), kind)).rgb[..., 0] - grey()).max() <= 1
        assert exact(file(Image.fromarray(samples), kind), eight)


@pytest.mark.parametrize("hole", [-3.4e38, -9999.0, np.nan, np.inf, -np.inf, 1e20])
@pytest.mark.parametrize("share", [0.0005, 0.3, 0.7])
def test_places_without_data_hide_nothing(hole: float, share: float) -> None:
    tiles = []
    for seed in (1, 2):
        samples = 100 + grey(seed) / 10
        samples.ravel()[: max(1, int(share * samples.size))] = hole
        tiles.append(tiff(samples.astype(np.float32)))
    assert decode(tiles[0]).content != decode(tiles[1]).content
    for tile, seed in zip(tiles, (1, 2), strict=True):
        seen = decode(tile).rgb[-40:, :, 0].astype(float)
        assert np.corrcoef(seen.ravel(), grey(seed)[-40:].ravel())[0, 1] > 0.98
    assert not exact(*tiles)


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_one_hot_sample_hides_nothing(dtype: type) -> None:
    samples = (1000 + grey()).astype(dtype)
    samples[3, 3] = np.iinfo(np.int32).min if dtype is np.int32 else 3e38
    seen = decode(tiff(samples)).rgb[..., 0].astype(float)
    assert np.corrcoef(seen[10:].ravel(), grey()[10:].ravel())[0, 1] > 0.98


def test_pictures_that_came_out_flat_are_equal_only_if_their_samples_are() -> None:
    faint = [np.full((60, 60), 30_000, np.uint16) for _ in range(2)]
    faint[1][5, 5] = 30_001
    assert decode(tiff(faint[0])).content != decode(tiff(faint[1])).content
    assert decode(tiff(faint[0])).content == decode(file(Image.fromarray(faint[0]))).content
    plain = Image.new("RGB", (60, 60), "white")
    assert decode(file(plain)).content == decode(file(plain, "BMP")).content


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_16_bit_keep_their_lower_bytes(suffix: str, channels: int) -> None:
    wide = np.random.default_rng(1).integers(0, 65536, (40, 50, channels), np.uint16)
    other = wide ^ np.uint16(1)
    assert decode(coded(wide, suffix)).content != decode(coded(other, suffix)).content
    assert decode(coded(wide, ".png")).content == decode(coded(wide, ".tiff")).content
    dark = wide & np.uint16(0xFF) if channels == 3 else wide
    assert decode(coded(dark, suffix)).rgb.std() > 20


@pytest.mark.parametrize("factor", [256, 257])
def test_eight_bit_stored_in_16_is_the_same_picture(factor: int) -> None:
    eight = np.asarray(scene())
    assert (
        decode(coded(eight.astype(np.uint16) * np.uint16(factor), ".png")).content
        == decode(file(scene())).content
    )


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB", "1", "P", "PA", "LA", "I", "F"])
def test_every_mode_keeps_what_makes_pictures_differ(mode: str) -> None:
    made = []
    for seed in (1, 2):
        picture = scene(240, 160, seed)
        if mode == "PA":
            picture = picture.quantize(16).convert("PA")
        elif mode == "LAB":
            picture = Image.merge("LAB", picture.split())
        else:
            picture = picture.convert(mode)
        made.append(
            decode(file(picture, "TIFF" if mode != "PA" else "PNG"))
            if mode != "PA"
            else decode(file(picture.convert("RGBA")))
        )
    assert made[0].content != made[1].content
    assert all(one.rgb.std() > 10 for one in made)
