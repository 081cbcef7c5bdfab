"""Again: a document is added as it was archived, so that the collection holds afterwards what it held before.

What Flow fills by itself is not sent: its own fields, and values that its schema copies from other fields,
which would be there twice. What it fills though the document had none is taken out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.flow import Document

FILLED_BY_FLOW = frozenset({"_version_", "_root_"})


class Copy(NamedTuple):
    """A rule of the schema: what ``source`` holds is put into ``dest``, too, cut after so many signs.

    Either may hold one ``*``, as in ``*_s``.
    """

    source: str
    dest: str
    most_chars: int | None = None


async def add_again(
    writer: FlowWriter, document: Document, analysis: Mapping[str, Any] | None, copies: Sequence[Copy]
) -> None:
    """Add a document with all its fields; it must not exist."""
    await writer.add(fields_to_send(document, copies), analysis)


async def take_out_extra(writer: FlowWriter, before: Document, now: Document) -> bool:
    """Remove fields that came by themselves with a document that had none of them; tell whether any did."""
    extra = {name: None for name in now if name not in before and name not in FILLED_BY_FLOW}
    if extra:
        await writer.set_fields(str(now["id"]), int(now["_version_"]), extra)
    return bool(extra)


def differences(before: Document, now: Document) -> list[str]:
    """Return the fields that are not as they were before."""
    names = (set(before) | set(now)) - FILLED_BY_FLOW
    return sorted(name for name in names if before.get(name) != now.get(name))


def fields_to_send(document: Document, copies: Sequence[Copy]) -> dict[str, Any]:
    """Return the fields of a document without what Flow will fill again."""
    sent = {name: value for name, value in document.items() if name not in FILLED_BY_FLOW}
    for name, value in list(sent.items()):
        copied = [one for source, rule in _rules_into(name, sent, copies) for one in _cut(sent[source], rule)]
        if not copied:
            continue
        left = _without(value if isinstance(value, list) else [value], copied)
        if not left:
            del sent[name]
        elif isinstance(value, list):
            sent[name] = left
    return sent


def _rules_into(name: str, fields: Mapping[str, Any], copies: Sequence[Copy]) -> list[tuple[str, Copy]]:
    """Return the fields that are copied into the one of that name, each with its rule."""
    return [
        (source, rule)
        for rule in copies
        if fnmatchcase(name, rule.dest)
        for source in fields
        if source != name and fnmatchcase(source, rule.source) and _target(source, rule) == name
    ]


def _target(source: str, rule: Copy) -> str:
    if "*" not in rule.dest:
        return rule.dest
    head, _, tail = rule.source.partition("*")
    middle = source[len(head) : len(source) - len(tail)] if "*" in rule.source else source
    return rule.dest.replace("*", middle)


def _cut(value: Any, rule: Copy) -> list[str]:
    return [_text(one)[: rule.most_chars] for one in (value if isinstance(value, list) else [value])]


def _without(values: Sequence[Any], copied: Sequence[str]) -> list[Any]:
    """Return the values but one for each that was copied."""
    left = list(values)
    for text in copied:
        place = next((number for number, one in enumerate(left) if _text(one) == text), None)
        if place is not None:
            del left[place]
    return left


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
