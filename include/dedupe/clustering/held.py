"""Held: the rows of any number of files, each in order, are read side by side without being held all at once.

Of each file some rows are held. The lowest of the last texts that are held tells up to where nothing can
follow that belongs before it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

ROUND_ROWS = 2_000_000


def lay_down(rows: pa.Table, file: Path, batch_rows: int) -> None:
    """Write rows, sorted by their first column, which are large strings."""
    with pa.OSFile(str(file), "wb") as out, pa.ipc.new_stream(out, rows.schema) as stream:
        stream.write_table(rows, max_chunksize=batch_rows)


def rounds(files: Sequence[Path], wanted: int = ROUND_ROWS) -> Iterator[list[tuple[int, pa.Table]]]:
    """Yield all rows in rounds, as the number of a file and what is taken of it.

    No text of the first column comes before one of an earlier round, which has about ``wanted`` rows.
    """
    held = [_Held(number, file) for number, file in enumerate(files)]
    while held := [one for one in held if one.hold(wanted // len(files))]:
        bound = min((one.last for one in held if not one.is_at_end), default=None)
        yield [(one.number, one.take_up_to(bound)) for one in held]


class _Held:
    """What was read of a file and not taken yet; nothing at its end."""

    def __init__(self, number: int, file: Path) -> None:
        self.number = number
        self._stream = pa.ipc.open_stream(pa.OSFile(str(file)))
        self._batches: Iterator[pa.RecordBatch] = iter(self._stream)
        self._rows: pa.Table = self._stream.schema.empty_table()
        self.is_at_end = False

    @property
    def last(self) -> str:
        return str(self._rows[0][-1])

    def hold(self, wanted: int) -> bool:
        """Read on until so many rows are held, or all that are left, and tell whether there are any."""
        while not self.is_at_end and len(self._rows) <= wanted:
            batch = next(self._batches, None)
            self.is_at_end = batch is None
            more = [] if batch is None else [pa.Table.from_batches([batch])]
            self._rows = pa.concat_tables([self._rows, *more])
        return len(self._rows) > 0

    def take_up_to(self, bound: str | None) -> pa.Table:
        """Take what is not above the bound; None is all."""
        count = len(self._rows)
        if bound is not None:
            count = bisect_right(range(count), bound, key=lambda place: str(self._rows[0][place]))
        taken, self._rows = self._rows[:count], self._rows[count:]
        return taken
