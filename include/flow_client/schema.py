"""The fields of a collection, as its schema tells them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from include.flow_client.decoding import malformed

FIELDS, DYNAMIC, COPIES = "schema/fields", "schema/dynamicfields", "schema/copyfields"
KEPT_BY_SOLR = frozenset({"_version_", "_root_"})


@dataclass(frozen=True, slots=True)
class SchemaField:
    """One field, or all fields of a dynamic name such as `*_s`.

    `is_returned`: its values come with a document. `is_copied`: they are made of other fields' values
    whenever a document is written. `is_kept`: the collection keeps them at all.
    """

    name: str
    is_returned: bool
    is_copied: bool
    is_kept: bool

    @property
    def is_unreturned(self) -> bool:
        """Whether it may hold values that nobody can read and write again."""
        is_own = self.name not in KEPT_BY_SOLR
        return is_own and self.is_kept and not (self.is_returned or self.is_copied)


class CopyField(NamedTuple):
    """Values of the fields `source` are put into `dest`, too, cut after `most_chars`; both may hold a `*`."""

    source: str
    dest: str
    most_chars: int | None


def copy_fields(answer: Mapping[str, Any], what: str) -> list[CopyField]:
    """Read the rules by which the schema copies fields into others."""
    found = []
    for rule in _described(answer, "copyFields", "dest", what):
        source, most = rule.get("source"), rule.get("maxChars")
        if not isinstance(source, str):
            raise malformed(what, f"it does not say what is copied to {rule['dest']}")
        found.append(CopyField(source, rule["dest"], most if isinstance(most, int) and most > 0 else None))
    return found


def copied_to(answer: Mapping[str, Any], what: str) -> frozenset[str]:
    """Read the names, also dynamic ones, of all fields that others are copied to."""
    rules = _described(answer, "copyFields", "dest", what)
    return frozenset(rule["dest"] for rule in rules)


def schema_fields(
    answer: Mapping[str, Any], member: str, copied: Collection[str], what: str
) -> list[SchemaField]:
    """Read the fields in `member` of an answer that shows defaults.

    Raises:
        FlowResponseError: it does not say of each field whether it is stored.
    """
    return [_field(one, copied, what) for one in _described(answer, member, "name", what)]


def _field(described: Mapping[str, Any], copied: Collection[str], what: str) -> SchemaField:
    name, stored = described["name"], described.get("stored")
    if not isinstance(stored, bool):
        raise malformed(what, f"it does not say whether {name} is stored")
    has_columns = described.get("docValues") is True
    return SchemaField(
        name=name,
        is_returned=stored or (has_columns and described.get("useDocValuesAsStored") is True),
        is_copied=any(fnmatchcase(name, dest) for dest in copied),
        is_kept=stored or has_columns or described.get("indexed") is not False,
    )


def _described(answer: Mapping[str, Any], member: str, key: str, what: str) -> list[Mapping[str, Any]]:
    listed = answer.get(member)
    if not isinstance(listed, list) or not all(
        isinstance(one, dict) and isinstance(one.get(key), str) for one in listed
    ):
        raise malformed(what, f"`{member}` is no list of fields")
    return listed
