"""The folders of pictures that the demo works on: its own collection, or one that the user names."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from include.demo.make_collection import make_collection

COLLECTIONS = Path(__file__).parent / "collections"


@dataclass(frozen=True, slots=True)
class Library:
    """A folder of pictures, where the server keeps what it knows of them, and what is known to be true."""

    pictures: Path
    data: Path
    truth: Path | None


def use_own_settings() -> None:
    """Let this process, and those it starts, read the demo's collection and write its runs into the checkout.

    A shell that is set up for collections of its own would lead both elsewhere.
    """
    os.environ[COLLECTIONS_VARIABLE] = str(COLLECTIONS)
    os.environ.pop(STORAGE_VARIABLE, None)


def add_own_settings() -> None:
    """Let this process, and those it starts, read the demo's collection beside those the shell names."""
    named = os.environ.get(COLLECTIONS_VARIABLE, "")
    os.environ[COLLECTIONS_VARIABLE] = os.pathsep.join(filter(None, [str(COLLECTIONS), named]))


def demo_library(run: Path) -> Library:
    """Make the demo collection below ``run``, unless it is there."""
    made = make_collection(run / "demo")
    return Library(made.pictures, run / "servers" / "demo", made.truth)


def own_folder(text: str) -> Path:
    """Return the folder that ``text`` names; in ``IMAGES=~/x`` not every shell knows the ``~``."""
    return Path(text).expanduser()


def folder_library(run: Path, folder: Path) -> Library:
    """Take a user's folder; nothing is written into it."""
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    return Library(folder, run / "servers" / name, None)
