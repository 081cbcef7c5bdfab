"""What is known of the demo collection: which picture was made from which. Only the check reads it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy: ids of it and of its original (paths inside the pictures' folder), and how it was made."""

    id: str
    original: str
    manipulation: str
    expected: Literal["exact", "near"]


@dataclass(frozen=True, slots=True)
class Truth:
    """`made_from` identifies what the collection was made from.

    The photographs were looked at one by one: some look alike, such as the windmills or the red reef fishes,
    but no two are pictures of one scene, so each original stands alone.
    """

    made_from: str
    originals: tuple[str, ...]
    copies: tuple[Copy, ...]

    def original_of(self) -> dict[str, str]:
        """The original of each document; an original is its own."""
        return {name: name for name in self.originals} | {copy.id: copy.original for copy in self.copies}

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote.

        Raises:
            ValueError: the file is something else.
        """
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            copies = tuple(Copy(**copy) for copy in told["copies"])
            return cls(told["made_from"], tuple(told["originals"]), copies)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} is no truth of the demo collection: make the collection again."
            ) from error
