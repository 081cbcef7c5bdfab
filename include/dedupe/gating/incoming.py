"""Incoming: the documents that come to the gate, from manifests and folders, each with its problem."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import fsspec
from fsspec import AbstractFileSystem

from include.dedupe.clustering.pair_rules import SCRATCH
from include.dedupe.errors import GateError
from include.dedupe.gating.manifest import Record, is_manifest, read_manifest_file
from include.dedupe.settings.config import CollectionConfig

FILE = "file"
"""Column of a manifest: the picture's path beside it, where it is not to be read from ``image``."""
PICTURES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".gif",
    ".tif",
    ".tiff",
    ".bmp",
    ".heic",
    ".heif",
    ".avif",
    ".jp2",
    ".ico",
    ".ppm",
)
WEB = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Incoming:
    """One document that came, as one row of INCOMING has it."""

    number: int
    id: str
    image: str
    source: str
    fields: Mapping[str, Any]
    problem: str = ""

    def document(self, config: CollectionConfig) -> dict[str, Any]:
        """Return the document as it is to be in the collection."""
        return {"id": self.id, config.fields.image: self.image, **self.fields}

    def columns(self) -> tuple[object, ...]:
        fields = json.dumps(self.fields, ensure_ascii=False)
        return (self.number, self.id, self.image, self.source, fields, self.problem)

    @classmethod
    def from_columns(cls, row: tuple[Any, ...]) -> Incoming:
        number, name, image, source, fields, problem = row
        return cls(int(number), name, image, source, json.loads(fields), problem)


@dataclass(slots=True)
class Reader:
    """Reads locations one after the other; ``left_out`` counts what a folder holds beside pictures."""

    config: CollectionConfig
    left_out: Counter[str] = field(default_factory=Counter)
    _ids: dict[str, str] = field(default_factory=dict)
    _number: int = 0

    def read(self, location: str) -> Iterator[Incoming]:
        """Yield the documents of one location, numbered on.

        Raises:
            GateError: there is no such manifest or folder, or it cannot be read.
        """
        files, path = _opened(location)
        if is_manifest(path):
            folder = path.rpartition("/")[0]
            for record in read_manifest_file(files, path):
                yield self._numbered(self._incoming(record, files, folder), f"{record.where} of {location}")
            return
        if not files.isdir(path):
            raise GateError(
                f"{location} is neither a folder nor a manifest (.jsonl, .csv, .parquet) that is there."
            )
        for name in self._pictures(files, path.rstrip("/")):
            record = Record(name, {"id": name, FILE: name})
            yield self._numbered(self._incoming(record, files, path.rstrip("/")), f"{name} in {location}")

    def _numbered(self, incoming: Incoming, where: str) -> Incoming:
        self._number += 1
        incoming = _writable(incoming)
        problem = incoming.problem
        if not problem and incoming.id in self._ids:
            problem = f"the id is that of {self._ids[incoming.id]} already"
        if not incoming.problem:
            self._ids.setdefault(incoming.id, where)
        told = f"{where}: {problem}" if problem else ""
        return replace(incoming, number=self._number, problem=told)

    def _incoming(self, record: Record, files: AbstractFileSystem, folder: str) -> Incoming:
        known = ("id", self.config.fields.image, FILE)
        name, image, file = (record.values.get(key) for key in known)
        rest = {key: value for key, value in record.values.items() if key not in known}
        fields = {key: value for key, value in rest.items() if value is not None and value != []}
        name = str(name) if isinstance(name, int) and not isinstance(name, bool) else name
        texts = [one if isinstance(one, str) else "" for one in (name, image, file)]
        problem = record.problem or self._problem(name, image, file, fields)
        if problem:
            return Incoming(0, texts[0], texts[1], "", {}, problem)
        name, image, file = texts
        path = file or (image if not image.startswith(WEB) else "")
        address = image if image.startswith(WEB) or (image and file) else f"{self._base}{path}"
        source = files.unstrip_protocol(f"{folder}/{path}") if path else image
        return Incoming(0, name, address, source, fields)

    def _problem(self, name: Any, image: Any, file: Any, fields: Mapping[str, Any]) -> str:
        if not isinstance(name, str) or not name:
            return "it has no id" if name in (None, "") else f"its id {name!r:.40} is no text"
        if name.startswith(SCRATCH):
            return f"ids that begin with {SCRATCH} belong to the check of the collection"
        if not all(isinstance(one, str | None) for one in (image, file)) or not (image or file):
            return f"it has no {self.config.fields.image}: an address, or a path beside the manifest"
        path = file or (image if not image.startswith(WEB) else "")
        if path and not _is_beside(path):
            return f"{path!r:.200} is neither an http address nor a path below the manifest's folder"
        if own := self._own_fields & fields.keys():
            return f"it may not have the fields {', '.join(sorted(own))}: they are written here"
        wrong = sorted(key for key, value in fields.items() if not _is_value(value))
        return f"Flow takes texts, numbers and lists of them; not so {', '.join(wrong)}" if wrong else ""

    @property
    def _base(self) -> str:
        return self.config.gate.image_base if self.config.gate else ""

    @property
    def _own_fields(self) -> set[str]:
        gate = self.config.gate
        own = {gate.pending_field, gate.link_field} if gate else set()
        return {"_version_", "score", "import", *self.config.tags.names, *own}

    def _pictures(self, files: AbstractFileSystem, folder: str) -> Iterator[str]:
        """Yield the paths of all pictures below a folder, in order; linked folders are not entered."""
        for entry in sorted(files.ls(folder, detail=True), key=lambda one: str(one["name"])):
            path = str(entry["name"]).rstrip("/")
            if path == folder.rstrip("/"):
                continue  # some object stores list the folder itself
            name = path.rpartition("/")[2]
            if entry.get("islink") and entry["type"] != "file":
                self.left_out["linked folder"] += 1
            elif entry["type"] == "directory":
                yield from (f"{name}/{inner}" for inner in self._pictures(files, path))
            elif entry["type"] == "file" and name.lower().endswith(PICTURES):
                yield name
            else:
                self.left_out[f".{name.lower().rpartition('.')[2]}" if "." in name else "no suffix"] += 1


def _opened(location: str) -> tuple[AbstractFileSystem, str]:
    try:
        files, path = fsspec.core.url_to_fs(location)
    except (ImportError, ValueError) as error:
        raise GateError(f"{location} cannot be opened: {error}.") from error
    return files, str(path)


def _is_beside(path: str) -> bool:
    parts = path.split("/")
    return not any(sign in path for sign in ("::", "://", "\\", "\0")) and not {"", ".", ".."} & set(parts)


def _is_value(value: Any) -> bool:
    """Whether Flow takes it as it is: no object, which would be an order to change a field."""
    if isinstance(value, list):
        return bool(value) and all(not isinstance(one, list) and _is_value(one) for one in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int | bool)


def _writable(incoming: Incoming) -> Incoming:
    """Return it with what no file can hold made visible: bytes that are no UTF-8, halves of characters."""
    fields = json.dumps(incoming.fields, ensure_ascii=False)
    texts = (incoming.id, incoming.image, incoming.problem, incoming.source, fields)
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        name, image, problem = (one.encode("utf-8", "backslashreplace").decode() for one in texts[:3])
        return Incoming(0, name, image, "", {}, problem or "it holds what is no UTF-8")
    return incoming
