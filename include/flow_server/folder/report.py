"""What one sync did, as counts and as lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from include.flow_server.folder.kinds import shown
from include.flow_server.folder.left_out import LeftOut, told_with_cause
from include.flow_server.last_sync import Group


@dataclass(slots=True)
class SyncReport:
    """`failed` holds (path, cause) of what could not be read, `marked` counts those that have a document.

    `hard_links` are files under several names; `remarks` are sentences on what is odd and was taken anyway.
    """

    left_out: LeftOut = field(default_factory=LeftOut)
    added: int = 0
    changed: int = 0
    gone: int = 0
    unchanged: int = 0
    deleted_before: int = 0
    marked: int = 0
    hard_links: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def summary(self) -> list[str]:
        """The counts: one line, and a second one where something was left out."""
        said = f"{self.added} new, {self.changed} changed, {self.gone} gone, {self.unchanged} unchanged"
        if self.deleted_before:
            said += f", {self.deleted_before} deleted from the index earlier and left out (--include-deleted)"
        said += f", {len(self.failed)} unreadable"
        if self.marked:
            said += f" ({self.marked} of them have a document, which is marked so and finds nothing)"
        if self.hard_links:
            said += f"; {self.hard_links} are files under several names (hard links)"
        left_out = self.left_out.summary()
        return [said, left_out] if left_out else [said]

    def groups(self) -> list[Group]:
        """What has no document, for the server to tell."""
        found = [
            Group("unreadable", len(self.failed), told_with_cause(self.failed)),
            *self.left_out.groups(),
            Group("deleted from the index earlier", self.deleted_before),
        ]
        return [group for group in found if group.count]

    def lines(self) -> list[str]:
        """One for each path that is to be named."""
        unreadable = [f"unreadable: {shown(path)}: {shown(cause)}" for path, cause in self.failed]
        return [*unreadable, *self.left_out.each(), *(f"note: {remark}" for remark in self.remarks)]
