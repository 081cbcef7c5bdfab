"""Pieces that are made ahead are the same pieces."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from include.dedupe.ahead import made_ahead


@pytest.mark.parametrize("pieces", [[], [None], [3, None, 1, 3]])
def test_pieces_come_in_their_order(pieces: list[int | None]) -> None:
    assert list(made_ahead(pieces)) == pieces


def test_the_next_piece_is_made_while_one_is_worked_on() -> None:
    is_made = threading.Event()

    def made() -> Iterator[int]:
        yield 1
        is_made.set()
        yield 2

    pieces = made_ahead(made())
    assert next(pieces) == 1
    assert is_made.wait(60)
    assert list(pieces) == [2]


def test_what_making_raises_is_raised_in_its_place() -> None:
    def made() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    pieces = made_ahead(made())
    assert next(pieces) == 1
    with pytest.raises(ValueError, match="no more"):
        next(pieces)


def test_whoever_stops_early_leaves_no_thread() -> None:
    before = threading.active_count()
    pieces = made_ahead(iter(range(1000)))
    assert next(pieces) == 0
    pieces.close()
    assert threading.active_count() == before
