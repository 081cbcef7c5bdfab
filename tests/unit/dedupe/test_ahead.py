"""Pieces that are made ahead are the same pieces."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pytest

from include.dedupe.ahead import THREADS, made_ahead, read_ahead


def same(piece: int) -> int:
    return piece


WAYS = [read_ahead, partial(made_ahead, same)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("pieces", [[], [None], [3, None, 1, 3, 7, 8, 9]])
def test_pieces_come_in_their_order(
    way: Callable[[Iterable[int | None]], Iterator[int | None]], pieces: list[int | None]
) -> None:
    assert list(way(pieces)) == pieces


def test_the_next_piece_is_read_while_one_is_worked_on() -> None:
    is_read = threading.Event()

    def read() -> Iterator[int]:
        yield 1
        is_read.set()
        yield 2

    pieces = read_ahead(read())
    assert next(pieces) == 1
    assert is_read.wait(60)
    assert list(pieces) == [2]


def test_pieces_are_made_side_by_side() -> None:
    meeting = threading.Barrier(THREADS)
    pieces = made_ahead(lambda piece: (meeting.wait(60), piece)[1], range(2 * THREADS))
    assert list(pieces) == list(range(2 * THREADS))


def test_no_more_pieces_are_held_than_threads_make() -> None:
    taken: list[int] = []

    def read() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    pieces = made_ahead(same, read())
    for number in range(10):
        assert next(pieces) == number
        assert len(taken) <= number + 1 + THREADS
    pieces.close()


@pytest.mark.parametrize("way", WAYS)
def test_what_reading_raises_is_raised_in_its_place(way: Callable[[Iterable[int]], Iterator[int]]) -> None:
    def read() -> Iterator[int]:
        yield from range(THREADS + 1)
        raise ValueError("no more")

    pieces = way(read())
    assert next(pieces) == 0
    with pytest.raises(ValueError, match="no more"):
        list(pieces)


def test_what_making_raises_is_raised_in_its_place() -> None:
    pieces = made_ahead(lambda piece: 6 // piece, [1, 2, 0, 3])
    assert [next(pieces), next(pieces)] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        next(pieces)


@pytest.mark.parametrize("way", WAYS)
def test_whoever_stops_early_leaves_no_thread(way: Callable[[Iterable[int]], Iterator[int]]) -> None:
    before = threading.active_count()
    pieces = way(range(1000))
    assert next(pieces) == 0
    pieces.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
