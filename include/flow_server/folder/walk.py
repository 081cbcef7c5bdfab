"""What a folder of pictures holds: its files, and the columns of its fields.csv."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.flow_server.errors import BadRequestError
from include.flow_server.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif",
    ".jp2", ".ppm", ".pgm", ".ico",
)  # fmt: skip
FIELDS_FILE = "fields.csv"
OWN_FIELDS = ("filename_s", "folder_s", *MEASURES)


class FolderError(BadRequestError):
    """The folder, or its fields.csv, cannot be indexed as it is."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """One file by its path relative to the folder, with forward slashes."""

    path: str
    size: int
    mtime_ns: int


def pictures(folder: Path) -> tuple[list[PictureFile], list[tuple[str, str]]]:
    """The picture files below `folder` by path, and (path, cause) of those that cannot be taken.

    Pictures are told by their suffix; names that begin with a dot are passed over.
    """
    if not folder.is_dir():
        raise FolderError(f"there is no folder {folder}")
    found: list[PictureFile] = []
    refused: list[tuple[str, str]] = []
    root = folder.resolve()
    for directory, names, files in os.walk(root, onerror=_raise):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in files:
            if name.startswith(".") or not name.lower().endswith(SUFFIXES):
                continue
            file = root / directory / name
            path = file.relative_to(root).as_posix()
            cause = _refusal(file, root)
            if cause:
                refused.append((path.encode("utf-8", "replace").decode(), cause))
            else:
                status = file.stat()
                found.append(PictureFile(path, status.st_size, status.st_mtime_ns))
    if not found and not refused:
        raise FolderError(f"{folder} holds no picture ({', '.join(SUFFIXES)})")
    return sorted(found, key=lambda one: one.path), sorted(refused)


def read_fields(folder: Path, paths: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """The columns of fields.csv by path; empty where there is no such file. Every wrong line is an error."""
    file = folder / FIELDS_FILE
    if not file.is_file():
        return {}
    rows: dict[str, Mapping[str, str]] = {}
    known = set(paths)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        try:
            _check_header(reader.fieldnames or [])
            for row in reader:
                where = f"{FIELDS_FILE}, line {reader.line_num}"
                path = row.pop("path", None)
                if None in row or None in row.values():
                    raise FolderError(f"{where}: it has not as many cells as the header")
                if path not in known:
                    raise FolderError(f"{where}: there is no picture '{path}' in {folder}")
                if path in rows:
                    raise FolderError(f"{where}: '{path}' comes a second time")
                rows[path] = dict(row)
        except (csv.Error, UnicodeDecodeError) as error:
            raise FolderError(f"{FIELDS_FILE} cannot be read: {error}") from None
    return rows


def _check_header(names: Collection[str]) -> None:
    header = list(names)
    if header[:1] != ["path"]:
        raise FolderError(
            f"{FIELDS_FILE}: the first column must be 'path', not '{header[0] if header else ''}'"
        )
    reserved = ("id", "image", "import", "_version_", "_text_", "score", *OWN_FIELDS)
    for name in header[1:]:
        if name in reserved or not name or header.count(name) > 1:
            raise FolderError(f"{FIELDS_FILE}: '{name}' cannot be the name of a column")


def _refusal(file: Path, root: Path) -> str | None:
    try:
        str(file).encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not valid UTF-8: rename it"
    try:
        real = file.resolve(strict=True)
    except OSError as error:
        return f"it cannot be opened: {error.strerror or error}"
    if not real.is_relative_to(root):
        return "it is a link that leads out of the folder"
    return None if real.is_file() else "it is not a regular file"


def _raise(error: OSError) -> None:
    raise FolderError(f"{error.filename} cannot be listed: {error.strerror}")
