"""What a folder holds: its pictures, what cannot be read of them, and what is left out."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from include.flow_server.errors import BadRequestError
from include.flow_server.folder.kinds import LEFT_OUT, SUFFIXES, Patterns, begins_as, suffix
from include.flow_server.folder.left_out import (
    LINKED_FOLDERS,
    LINKS,
    MOUNTED_AGAIN,
    NOT_FILES,
    NOT_LISTED,
    LeftOut,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

FIELDS_FILE = "fields.csv"
_Identity = tuple[int, int, int, int]


class FolderError(BadRequestError):
    """The folder, or its fields.csv, cannot be indexed as it is."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """One file by its path relative to the folder, with forward slashes.

    `stamp` changes with its size, its time and whatever else the file system notes of a change. `identity`
    is that of the file on its disk: other names of the same file share it. `names` is how many there are.
    """

    path: str
    stamp: str
    identity: _Identity
    names: int


@dataclass(slots=True)
class Walk:
    """What was met, by path. `failed` holds (path, cause), also of folders that cannot be listed."""

    pictures: list[PictureFile] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)

    def hides(self, path: str) -> bool:
        """Whether a path lies where the walk could not look."""
        return path.startswith(tuple(f"{folder}/" for folder in self.unlisted))


def walk(folder: Path, leave_out: Sequence[str] = LEFT_OUT) -> Walk:
    """Walks a folder. No link is followed, and nothing but the folder itself can end the walk.

    Raises:
        FolderError: it is not there, cannot be listed, or holds no picture.
    """
    try:
        there = folder.is_dir()
    except OSError as error:
        raise FolderError(f"{folder} cannot be looked at: {error.strerror or error}") from None
    if not there:
        raise FolderError(f"there is no folder {folder}")
    found = _Walker(folder.resolve(), Patterns(leave_out)).run()
    if not found.pictures and not found.failed:
        said = found.left_out.summary()
        raise FolderError(f"{folder} holds no picture{f'; {said}' if said else ''}")
    return found


class _Walker:
    def __init__(self, root: Path, patterns: Patterns) -> None:
        self._root = root
        self._patterns = patterns
        self._found = Walk()
        self._folders: dict[_Identity, str] = {}
        self._waiting: list[tuple[str, str | None]] = [("", None)]

    def run(self) -> Walk:
        while self._waiting:
            self._folder(*self._waiting.pop())
        self._leave_out_mounted_again()
        self._found.pictures.sort(key=lambda one: one.path)
        self._found.failed.sort()
        return self._found

    def _folder(self, path: str, pattern: str | None) -> None:
        """Looks at one folder; `pattern` is the one that leaves it out, with all that is in it."""
        try:
            status = (self._root / path).stat()
            with os.scandir(self._root / path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self._cannot_list(path, pattern, error)
            return
        first = self._folders.setdefault(_identity(status), path)
        if first != path:
            self._found.left_out.listed_as(MOUNTED_AGAIN, path, f"it is the folder {first or '.'} once more")
            return
        below: list[tuple[str, str | None]] = []
        for entry in entries:
            inside = f"{path}/{entry.name}" if path else entry.name
            try:
                below += self._entry(entry, inside, pattern or self._patterns.matching(inside))
            except FileNotFoundError:  # it went while we looked
                continue
            except OSError as error:
                self._found.failed.append((inside, f"it cannot be looked at: {error.strerror or error}"))
                self._found.unlisted.append(inside)
        self._waiting += reversed(below)

    def _cannot_list(self, path: str, pattern: str | None, error: OSError) -> None:
        cause = f"it cannot be listed: {error.strerror or error}; what is known of it stays as it is"
        if not path:
            raise FolderError(f"{self._root} cannot be listed: {error.strerror or error}") from None
        self._found.unlisted.append(path)
        if pattern:
            self._found.left_out.listed_as(NOT_LISTED, path, cause)
        else:
            self._found.failed.append((path, cause))

    def _entry(self, entry: os.DirEntry[str], path: str, pattern: str | None) -> list[tuple[str, str | None]]:
        """Takes in one entry; a folder is returned, to be looked at later."""
        if entry.is_dir(follow_symlinks=False):
            return [(path, pattern)]
        if pattern:
            self._found.left_out.by_name(path, pattern)
        elif entry.is_symlink():
            self._link(path)
        else:
            self._file(path, entry.stat(follow_symlinks=False))
        return []

    def _link(self, path: str) -> None:
        """A link is no copy: what it leads to is taken where it lies, and only inside the folder."""
        told = self._found.left_out
        named_as_picture = suffix(path) in SUFFIXES
        try:
            real = Path(os.path.realpath(self._root / path, strict=True))
        except OSError as error:
            cause = f"it is a link that leads nowhere: {error.strerror or error}"
            if named_as_picture:
                self._found.failed.append((path, cause))
            else:
                told.listed_as(LINKS, path, cause)
            return
        inside = real.is_relative_to(self._root)
        target = f"a link to {real.relative_to(self._root).as_posix() if inside else real}"
        if real.is_dir():
            told.listed_as(LINKED_FOLDERS, path, f"it is {target}; links are not followed")
        elif named_as_picture and not inside:
            cause = (
                f"it is a link that leads out of the folder, to {real}: sync that folder, or copy the file"
            )
            self._found.failed.append((path, cause))
        else:
            told.listed_as(LINKS, path, f"it is {target}, and no copy of it")

    def _file(self, path: str, status: os.stat_result) -> None:
        if path == FIELDS_FILE:
            return
        named_as_picture = suffix(path) in SUFFIXES
        if not stat.S_ISREG(status.st_mode):
            if named_as_picture:
                self._found.failed.append((path, "it is not a regular file"))
            else:
                self._found.left_out.listed_as(NOT_FILES, path, "it is not a regular file")
        elif not named_as_picture and (suffix(path) or not begins_as(self._root / path)):
            self._found.left_out.of_kind(path)
        elif path.encode("utf-8", "ignore").decode() != path:
            self._found.failed.append((path, "its name is not valid UTF-8: rename it"))
        else:
            stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
            self._found.pictures.append(PictureFile(path, stamp, _identity(status), status.st_nlink))

    def _leave_out_mounted_again(self) -> None:
        """A file that is met under more paths than it has names is there once, by two mounts."""
        met: defaultdict[_Identity, list[PictureFile]] = defaultdict(list)
        for one in self._found.pictures:
            met[one.identity].append(one)
        again = {one.path: group[0].path for group in met.values() for one in group[group[0].names :]}
        for path, first in again.items():
            reason = f"it is the file {first} once more"
            self._found.left_out.listed_as(MOUNTED_AGAIN, path, reason)
        self._found.pictures = [one for one in self._found.pictures if one.path not in again]


def _identity(status: os.stat_result) -> _Identity:
    """Device and number tell files apart; the times guard against file systems that make numbers up."""
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def same_files(pictures: Sequence[PictureFile]) -> dict[str, str]:
    """By path, the first path of the same file, where it has several in the folder (hard links)."""
    met: defaultdict[_Identity, list[str]] = defaultdict(list)
    for one in pictures:
        if one.names > 1:
            met[one.identity].append(one.path)
    return {path: paths[0] for paths in met.values() if len(paths) > 1 for path in paths}
