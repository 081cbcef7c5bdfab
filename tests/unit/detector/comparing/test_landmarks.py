"""Two pictures share a part where enough of their landmarks lead to the same place."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from PIL.Image import Transpose

from include.detector.comparing.landmarks import LEAST_VOTES, probes, votes, words
from include.detector.comparing.parts import shared_part
from include.detector.comparing.score import EXACT, NEAR, score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.imaging import Descriptor, analyze
from include.detector.imaging.landmarks import ACROSS, UNSURE, part_of, read_landmarks
from tests.support.drawn import file
from tests.support.pasted import BESIDE, PHOTOS, WHOLE, pasted, photo, photo_file

PASTED = pasted()


def described(name: str) -> Descriptor:
    return analyze(photo_file(name))


@pytest.fixture(scope="module")
def whole() -> Descriptor:
    return described(WHOLE)


@pytest.mark.parametrize("kind", PASTED)
def test_a_picture_in_another_one_is_near_from_either_side(kind: str, whole: Descriptor) -> None:
    other = analyze(PASTED[kind])
    there, back = shared_part(whole, other), shared_part(other, whole)
    assert there
    assert back
    assert there.quarters == back.quarters == 0
    if there.alignment and back.alignment:
        again = back.alignment.after(there.alignment)
        assert again.matrix == pytest.approx(np.eye(3)[:2], abs=6)
    scores = {
        score_pair(Thumb.of(one), Thumb.of(two), mirror=True) for one, two in ((whole, other), (other, whole))
    }
    assert len(scores) == 1
    assert NEAR <= scores.pop() < EXACT


@pytest.mark.parametrize("turned", [Transpose.ROTATE_90, Transpose.ROTATE_180, Transpose.ROTATE_270])
@pytest.mark.parametrize("is_pasted", [False, True])
def test_a_part_that_is_turned_by_quarter_turns_is_near_from_either_side(
    whole: Descriptor, turned: Transpose, is_pasted: bool
) -> None:
    part = photo().crop((60, 40, 600, 380)).transpose(turned)
    if is_pasted:
        part, alone = photo(BESIDE[0]).resize((620, 620)), part
        part.paste(alone, (40, 60))
    other = analyze(file(part, "JPEG", quality=85))
    one, two = shared_part(whole, other), shared_part(other, whole)
    assert one
    assert two
    assert one.quarters > 0
    assert (one.quarters + two.quarters) % 4 == 0
    assert NEAR <= score_pair(Thumb.of(whole), Thumb.of(other), mirror=True) < EXACT
    assert score_pair(Thumb.of(whole), Thumb.of(other), mirror=True, turn=False) < NEAR


def test_other_photographs_share_nothing() -> None:
    names = [WHOLE, *BESIDE, *(path.name for path in sorted(PHOTOS.glob("*.jpg"))[::12])]
    for one, other in combinations(map(described, names), 2):
        assert shared_part(one, other) is None


def test_a_word_is_looked_for_with_all_its_unsure_bits_either_way(whole: Descriptor) -> None:
    marks = read_landmarks(whole.landmarks)
    found, unsure = probes(marks), part_of(marks, UNSURE)
    assert np.array_equal(found[:, 0], words(marks))
    assert ((found ^ words(marks)[:, None]) & ~unsure[:, None] == 0).all()
    assert all(len(set(row)) == found.shape[1] for row in found.tolist())


def test_votes_are_places_that_moved(whole: Descriptor) -> None:
    marks = read_landmarks(whole.landmarks)
    inside = marks[part_of(marks, ACROSS) < 200]
    moved = inside + np.uint64(20 << ACROSS[0])
    same = np.zeros(2 * len(inside), np.int64)
    (pair,), (count,) = votes(np.repeat(inside, 2), np.repeat(moved, 2), same)
    assert pair == 0
    assert LEAST_VOTES <= count <= len({int(mark) & 0xFFFF for mark in inside})
    one = LEAST_VOTES * [0]
    assert len(votes(inside[one], moved[one], np.zeros(LEAST_VOTES, np.int64))[0]) == 0


def test_what_did_not_move_is_no_part(whole: Descriptor) -> None:
    marks = read_landmarks(whole.landmarks)
    pairs = np.zeros(len(marks), np.int64)
    assert len(votes(marks, marks, pairs)[0]) == 0
    few, moved = marks[: LEAST_VOTES + 2], marks + np.uint64(20 << ACROSS[0])
    own, others = np.concatenate([few, marks]), np.concatenate([moved[: LEAST_VOTES + 2], marks])
    assert len(votes(own, others, np.zeros(len(own), np.int64))[0]) == 0


def test_pictures_without_landmarks_share_nothing(whole: Descriptor) -> None:
    plain = analyze(file(photo().resize((1, 1)).resize((64, 64))))
    assert plain.landmarks == b""
    assert shared_part(whole, plain) is None
    assert shared_part(plain, plain) is None
