"""TIFF: its directories, for where the file's own data end and what else is in it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.safe_picture.outline import Outline

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_DIRECTORIES = 4096
_HEADS = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}
_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES = 273, 279, 324, 325
_INNER, _LAYERS, _EXIF, _GPS = 330, 37724, 34665, 34853


def walk(data: bytes) -> Outline | None:
    """The outline of a TIFF; None for any other file.

    Pictures in inner directories and the layers of editing programs are not decoded: `cut`.
    """
    if data[:4] not in _HEADS:
        return None
    reader = _Reader(data)
    reader.read_all()
    return Outline(data, reader.end, data, cut=reader.has_more)


def first_directory(data: bytes) -> dict[int, bytes]:
    """The bytes of each value in the first directory."""
    reader = _Reader(data)
    return {tag: data[start : start + size] for tag, _, start, size in reader.entries(reader.first())}


@dataclass(slots=True)
class _Reader:
    data: bytes
    end: int = 0
    has_more: bool = False
    seen: set[int] = field(default_factory=set)

    @property
    def order(self) -> str:
        return _HEADS[self.data[:4]]

    @property
    def is_big(self) -> bool:
        return b"+" in self.data[:4]

    def first(self) -> int:
        return self._number("Q", 8) if self.is_big else self._number("I", 4)

    def read_all(self) -> None:
        place = self.first()
        while place and place not in self.seen and len(self.seen) < MOST_DIRECTORIES:
            place = self._read(place)
        if place and place not in self.seen:  # so many that nobody looks where they end
            self.end, self.has_more = len(self.data), True

    def _read(self, place: int) -> int:
        """Take in one directory; return where the next one is, 0 for none."""
        self.seen.add(place)
        numbers: dict[int, tuple[int, ...]] = {}
        for tag, kind, start, size in self.entries(place):
            self.end = max(self.end, min(start + size, len(self.data)))
            if tag in (_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES, _EXIF, _GPS) and kind in _NUMBERS:
                count = size // _SIZES[kind]
                numbers[tag] = struct.unpack_from(f"{self.order}{count}{_NUMBERS[kind]}", self.data, start)
            self.has_more |= tag in (_INNER, _LAYERS)
        for begins, sizes in ((_STRIPS, _STRIP_SIZES), (_TILES, _TILE_SIZES)):
            pairs = zip(numbers.get(begins, ()), numbers.get(sizes, ()), strict=False)
            self.end = max(self.end, *(begin + size for begin, size in pairs), 0)
        for inner in (*numbers.get(_EXIF, ()), *numbers.get(_GPS, ())):
            if inner not in self.seen and len(self.seen) < MOST_DIRECTORIES:
                self._read_inner(inner)
        return self._next(place)

    def _read_inner(self, place: int) -> None:
        """EXIF and GPS may be odd without harm."""
        try:
            self._read(place)
        except (struct.error, LookupError, ValueError):
            return

    def _next(self, place: int) -> int:
        count, start, entry = self._count(place)
        after = start + count * entry
        self.end = max(self.end, after + (8 if self.is_big else 4))
        return self._number("Q" if self.is_big else "I", after)

    def _count(self, place: int) -> tuple[int, int, int]:
        """Entries of a directory, where the first one is, and bytes of each."""
        if self.is_big:
            return self._number("Q", place), place + 8, 20
        return self._number("H", place), place + 2, 12

    def entries(self, place: int) -> Iterator[tuple[int, int, int, int]]:
        """Tag, type, begin and size of each value."""
        count, start, entry = self._count(place)
        wide, inline = ("Q", 8) if self.is_big else ("I", 4)
        for at in range(start, min(start + count * entry, len(self.data)), entry):
            tag, kind, values = struct.unpack_from(f"{self.order}HH{wide}", self.data, at)
            size, value = values * _SIZES.get(kind, 1), at + 4 + inline
            yield tag, kind, value if size <= inline else self._number(wide, value), size

    def _number(self, kind: str, place: int) -> int:
        return int(struct.unpack_from(f"{self.order}{kind}", self.data, place)[0])
