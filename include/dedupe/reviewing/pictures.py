"""Pictures for the page: of documents of a run, made small, kept on disk within a bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from include.dedupe.rundir import RunDir

View = Literal["small", "large"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as JPEG bytes, or why there is none: then ``data`` is empty and ``problem`` is not.

    ``width`` and ``height`` are of the original. ``note``: what is not shown, such as further frames.
    ``version`` changes when the picture's address does (for an ETag).
    """

    data: bytes
    version: str
    width: int = 0
    height: int = 0
    note: str = ""
    problem: str = ""


class Pictures:
    """Fetches, decodes and keeps pictures; one for a process, for all collections. Safe in many threads."""

    def __init__(self, folder: Path, headers: Callable[[str], Mapping[str, str]] = lambda _: {}) -> None:
        """Keep pictures in ``folder``; ``headers`` returns those of an Airflow connection by its id."""
        raise NotImplementedError

    def show(self, run: RunDir, cluster: str, document: str, view: View = "small") -> Shown:
        """Return the picture of a document of a cluster.

        Raises:
            UnknownError: the run has no such cluster, or the cluster no such document.
        """
        raise NotImplementedError

    def prepare(self, run: RunDir, documents: Sequence[tuple[str, str]], view: View = "small") -> None:
        """Begin to make pictures of (cluster, document) that will be asked for soon; returns at once."""
        raise NotImplementedError
