"""Seen from far, a crop is found where it was taken, and other pictures are nowhere in each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from include.detector.comparing.orientation import MIRRORED
from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.comparing.verify import LEAST_SEEN
from include.detector.comparing.windows import nested, nested_otherwise
from include.detector.imaging import analyze
from tests.support.drawn import file

PHOTOS = sorted(Path("include/demo/photos").glob("*.jpg"))[:6]


def photo(number: int) -> Image.Image:
    return Image.open(PHOTOS[number]).convert("RGB")


def thumb(image: Image.Image) -> Thumb:
    return Thumb.of(analyze(file(image, "JPEG", quality=85)))


@pytest.mark.parametrize("box", [(0, 0, 0.7, 0.7), (0.2, 0.25, 0.9, 0.95), (0, 0.12, 1, 0.88)])
def test_a_crop_is_found_where_it_was_taken(box: tuple[float, float, float, float]) -> None:
    image = photo(1)
    sides = np.array([image.width, image.height] * 2)
    whole, part = thumb(image), thumb(image.crop(tuple(np.rint(box * sides).astype(int).tolist())))
    for first, second in ((whole, part), (part, whole)):
        agreement, alignment = nested(first, second)
        assert agreement > 0.7
        there = alignment if first is whole else alignment.inverse()
        corners = np.array([[box[0], box[1]], [box[2], box[3]]]) * (whole.width, whole.height)
        moved = corners @ there.matrix[:, :2].T + there.matrix[:, 2]
        assert moved == pytest.approx(np.array([[0, 0], [part.width, part.height]]), abs=0.08 * part.width)
        assert nested_otherwise(first, thumb(ImageOps.mirror(image)), [MIRRORED])[0] > 0.7


def test_other_photographs_are_nowhere_in_each_other() -> None:
    thumbs = [thumb(photo(number)) for number in range(len(PHOTOS))]
    agreements = [nested(one, other)[0] for one in thumbs for other in thumbs if one is not other]
    assert np.median(agreements) < LEAST_SEEN / 2


def test_plain_crops_and_whole_frames_need_no_keypoints() -> None:
    image = photo(2)
    cropped = image.crop((image.width // 20, image.height // 20, image.width, image.height))
    for copy in (image.resize((image.width // 2, image.height // 2)), cropped):
        first, second = thumb(image), thumb(copy)
        assert score_pair(first, second, mirror=True) > 0.7
        assert "keypoints" not in first.__dict__
        assert "keypoints" not in second.__dict__
