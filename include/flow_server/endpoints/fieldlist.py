"""`fl`: which fields of a document an answer shows, under which names.

Beside `score` there are three of our own: `explain` (why a hit has its score), `import` (the /analyze result
of the picture, so that a document can be added again though its picture is out of reach) and `picture_hash`
(what tells whether the picture is still the one that was indexed).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.flow_server.errors import BadRequestError
from include.flow_server.pictures import picture_address
from include.flow_server.store.patterns import globs

if TYPE_CHECKING:
    from include.flow_server.store.protocol import Document

_NAME = re.compile(r"(?:([^\s:,(){}\[\]]+):)?(?![-+!])([^\s:,(){}\[\]\"']+)")
MOST_FIELDS = 1024
OF_PICTURE = ("import", "picture_hash")
PSEUDO = ("score", "explain", *OF_PICTURE)


@dataclass(frozen=True, slots=True)
class FieldList:
    """`names`: (shown as, field); `globs`: fits the names of fields, None: no pattern."""

    names: tuple[tuple[str, str], ...]
    globs: Any

    def wants(self, pseudo: str) -> bool:
        """Whether a pseudo-field is asked for by name."""
        return any(name == pseudo for _, name in self.names)

    def wants_picture(self) -> bool:
        """Whether a pseudo-field that comes from the picture is asked for."""
        return any(map(self.wants, OF_PICTURE))

    def stored(self) -> tuple[str, ...] | None:
        """Names of stored fields that are needed, None where a pattern may need any."""
        return None if self.globs is not None else tuple(name for _, name in self.names if name not in PSEUDO)

    def ids_only(self) -> bool:
        """Whether no stored field is needed."""
        return self.globs is None and all(name in ("id", "_version_", *PSEUDO) for _, name in self.names)

    def show(self, document: Document, base: str, pseudo: dict[str, Any]) -> dict[str, Any]:
        """The document as the answer shows it; `base` is how the client called the server."""
        fields = {"id": document.id, **document.fields, "_version_": document.version}
        if document.from_folder and "image" in fields:
            fields["image"] = picture_address(base, fields["image"])
        shown = {}
        if self.globs is not None:
            shown = {name: value for name, value in fields.items() if self.globs.fullmatch(name)}
        for alias, name in self.names:
            source = pseudo if name in PSEUDO else fields
            if name in source:
                shown[alias] = source[name]
        return shown


def read_field_list(values: tuple[str, ...], default: str) -> FieldList:
    """Reads every `fl` of a request; functions and transformers are a 400."""
    names: dict[str, str] = {}
    patterns: list[str] = []
    parts = ",".join(values or (default,)).replace(",", " ").split()
    if len(parts) > MOST_FIELDS:
        raise BadRequestError(f"fl names {len(parts)} fields, more than the {MOST_FIELDS} allowed")
    for part in parts:
        match = _NAME.fullmatch(part)
        if not match:
            raise BadRequestError(
                f"fl: '{part}' is not supported, only field names, globs, aliases and score are"
            )
        alias, name = match.groups()
        if "*" in name or "?" in name:
            patterns.append(name)
        else:
            names[alias or name] = name
    return FieldList(tuple(names.items()), globs(patterns) if patterns else None)
