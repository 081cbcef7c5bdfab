"""What the last sync of a folder left out, kept beside the documents: the server tells it to whoever asks."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE = "last_sync.json"
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Group:
    """Files without a document: what they are, how many, and a few of them, with the cause if known."""

    what: str
    count: int
    examples: tuple[str, ...] = ()


def keep_last_sync(file: Path, groups: Iterable[Group]) -> None:
    """Writes it so that a reader sees all of it or what was there before."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    unfinished.write_text(json.dumps([asdict(one) for one in groups]), encoding="utf-8")
    unfinished.replace(file)


def read_last_sync(file: Path) -> list[dict[str, Any]]:
    """The groups as they are told to clients; none where no folder was synced."""
    try:
        found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        return [asdict(Group(f"not known: {FILE} is damaged, sync again", 0))]
    return found
