"""What a walk did not take, counted and said."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.flow_server.folder.kinds import HIDDEN, shown, suffix
from include.flow_server.last_sync import EXAMPLES, Group

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KINDS, NAMES = "other kinds", "by name"
LINKS, LINKED_FOLDERS = "links", "linked folders"
MOUNTED_AGAIN, NOT_LISTED, NOT_FILES = "mounted a second time", "cannot be listed", "no regular files"
_MOST_KINDS = 12


@dataclass(slots=True)
class LeftOut:
    """Files of other kinds by suffix, files by the pattern of names that took them away, and listed ones.

    `listed` holds (path, reason) by group; `paths` are all of these that might have been documents before.
    `examples` are a few paths of each suffix and of each pattern.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    listed: defaultdict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    paths: set[str] = field(default_factory=set)
    examples: defaultdict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def of_kind(self, path: str) -> None:
        """A file that is no picture by its suffix."""
        self.kinds[suffix(path)] += 1
        self._add(KINDS, suffix(path), path)

    def by_name(self, path: str, pattern: str) -> None:
        """A file whose name, or that of a folder above it, is to be left out."""
        self.names[pattern] += 1
        self._add(NAMES, pattern, path)

    def listed_as(self, group: str, path: str, reason: str) -> None:
        """A path that is named with the reason."""
        self.listed[group].append((path, reason))
        self.paths.add(path)

    def summary(self) -> str:
        """One line, empty where nothing was left out."""
        parts = [_counted(KINDS, self.kinds), _counted(NAMES, self.names)]
        parts += [f"{group} {len(paths)}" for group, paths in self.listed.items()]
        said = "; ".join(part for part in parts if part)
        return f"left out: {said}" if said else ""

    def groups(self) -> Iterator[Group]:
        """All of it by suffix, pattern and group, the most first, each with a few paths."""
        for title, counts in ((KINDS, self.kinds), (NAMES, self.names)):
            for one, count in counts.most_common(_MOST_KINDS):
                paths = self.examples[title, one]
                yield Group(f"{title}: {_named(one)}", count, tuple(map(shown, paths)))
            if rest := counts.total() - sum(count for _, count in counts.most_common(_MOST_KINDS)):
                yield Group(f"{title}: all others", rest)
        for title, listed in self.listed.items():
            yield Group(title, len(listed), told_with_cause(listed))

    def _add(self, title: str, one: str, path: str) -> None:
        self.paths.add(path)
        if len(self.examples[title, one]) < EXAMPLES:
            self.examples[title, one].append(path)

    def each(self) -> Iterator[str]:
        """A line for each path that is named."""
        for paths in self.listed.values():
            yield from (f"left out: {shown(path)}: {shown(reason)}" for path, reason in paths)


def told_with_cause(paths: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The first few of some paths, each with its cause."""
    return tuple(f"{shown(path)}: {shown(cause)}" for path, cause in paths[:EXAMPLES])


def _counted(title: str, counts: Counter[str]) -> str:
    most = [f"{_named(one)} {count:,}" for one, count in counts.most_common(_MOST_KINDS)]
    if len(counts) > _MOST_KINDS:
        most.append(f"{len(counts) - _MOST_KINDS} more")
    return f"{title} {counts.total():,} ({', '.join(most)})" if most else ""


def _named(one: str) -> str:
    return {"": "without suffix", HIDDEN: "hidden"}.get(one) or shown(one)
