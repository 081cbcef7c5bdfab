"""The index of a collection's pictures on disk, so that a start need not build it from all descriptors.

It may be deleted at any time. It is used only where the documents have the stamp that it was written with:
they get that after the file is whole, so that one that was cut short, or that belongs to other documents or
to a backup of these, is never taken for theirs. Where it is of no use, the log says why.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from include.detector.imaging import DESCRIPTOR_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Keys = NDArray[np.int64]

FORMAT = 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rows:
    """What stage 1 holds of m documents.

    `wholes` int8 [m, DIMENSIONS], in one or several arrays; `hashes` of each kind uint8 [m, bytes].
    """

    keys: Keys
    wholes: Sequence[NDArray[np.int8]]
    hashes: Sequence[NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Saved:
    """An index as it was after change number `sequence`; nobody may change its arrays.

    `content_hashes` by key are of all documents with a picture, `rows` of those that have candidates;
    `outdated` are keys of those that another version analysed.
    """

    sequence: int
    content_hashes: dict[int, str]
    rows: Rows
    outdated: Keys


class IndexFile:
    """One file; whoever writes last wins."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, saved: Saved, stamp: str) -> None:
        """Replace the file by a whole one.

        Raises:
            OSError: it cannot be written.
        """
        unfinished = self._path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            np.savez(file, allow_pickle=False, **_arrays(saved, stamp))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._path)

    def read(self, stamp: str | None) -> Saved | None:
        """What was written with this stamp; None where there is nothing like that."""
        if stamp is None:
            return None
        try:
            with np.load(self._path, allow_pickle=False) as arrays:
                about = json.loads(arrays["about"].tobytes())
                if about != _about(stamp):
                    _log.warning("%s is not of the documents as they are, so it is built anew", self._path)
                    return None
                return _saved(arrays)
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            _log.warning("%s cannot be read, so it is built anew: %s", self._path, error)
            return None


def _about(stamp: str) -> dict[str, Any]:
    return {"format": FORMAT, "version": DESCRIPTOR_VERSION, "stamp": stamp}


def _arrays(saved: Saved, stamp: str) -> dict[str, NDArray[Any]]:
    texts = list(saved.content_hashes.values())
    return {
        "about": _bytes(json.dumps(_about(stamp))),
        "sequence": np.array(saved.sequence),
        "keys": np.fromiter(saved.content_hashes, np.int64, len(texts)),
        "content_hashes": _bytes("".join(texts)),
        "lengths": np.fromiter(map(len, texts), np.int32, len(texts)),
        "row_keys": saved.rows.keys,
        "wholes": np.concatenate(saved.rows.wholes),
        "hashes": np.stack(saved.rows.hashes),
        "outdated": saved.outdated,
    }


def _saved(arrays: Any) -> Saved:
    """What `_arrays` made; reading it checks its checksums."""
    text = arrays["content_hashes"].tobytes().decode(errors="surrogatepass")
    ends = accumulate(arrays["lengths"].tolist(), initial=0)
    hashes = [text[start:end] for start, end in pairwise(ends)]
    return Saved(
        sequence=int(arrays["sequence"]),
        content_hashes=dict(zip(arrays["keys"].tolist(), hashes, strict=True)),
        rows=Rows(arrays["row_keys"], [arrays["wholes"]], list(arrays["hashes"])),
        outdated=arrays["outdated"],
    )


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(errors="surrogatepass"), np.uint8)
