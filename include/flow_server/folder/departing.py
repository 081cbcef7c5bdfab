"""Documents whose picture is not there any more, or cannot be read any more."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from include.flow_server.folder.kinds import shown
from include.flow_server.folder.own import INDEXED, OWN_FIELDS
from include.flow_server.folder.seen import Seen, SeenTable, State
from include.flow_server.folder.walk import FolderError
from include.flow_server.measures import UNREADABLE
from include.flow_server.store.protocol import Add, Delete, Reanalysed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from include.flow_server.folder.walk import Walk
    from include.flow_server.store.protocol import Document, DocumentStore, Operation

_CHUNK = 200
_MISSING_SHARE = 0.2
_MISSING_FEW = 10
_OWN = frozenset({"image", *OWN_FIELDS}) - {INDEXED}


class Departing:
    """Removes and marks documents of one collection; `known` is what the last sync saw."""

    def __init__(self, store: DocumentStore, table: SeenTable, known: Mapping[str, Seen]) -> None:
        self._store = store
        self._table = table
        self._known = known

    def missing(self, walked: Walk) -> list[str]:
        """The paths that were there at the last sync; those where the walk could not look count as there."""
        there = {file.path for file in walked.pictures} | {path for path, _ in walked.failed}
        return sorted(
            path
            for path, seen in self._known.items()
            if seen.state in (State.HERE, State.GOING) and path not in there and not walked.hides(path)
        )

    def refuse_many(self, missing: Sequence[str], walked: Walk) -> None:
        """Raises a FolderError where so many documents would go that something is wrong with the folder."""
        if len(missing) <= _MISSING_FEW:
            return
        there = self._store.existing(self._known)
        known, going = len(there), [path for path in missing if path in there]
        if len(going) <= max(_MISSING_FEW, _MISSING_SHARE * known):
            return
        left_out = sum(path in walked.left_out.paths for path in going)
        why = f" ({left_out} are there, but to be left out)" if left_out else ""
        raise FolderError(
            f"{len(going)} of {known} documents would be removed, for their pictures are not among those of "
            f"the folder any more{why}, first '{shown(going[0])}'. Is a part of the folder not mounted? "
            f"Nothing was changed; where it is meant, give --allow-missing"
        )

    def remove(self, missing: Sequence[str]) -> int:
        """Removes the documents of these paths and returns how many there were.

        What others wrote into them is kept for the day when the same picture is back. That a document had
        been deleted through the API before is remembered.
        """
        removed = 0
        for chunk, documents in self._chunks(missing):
            self._table.write(self._departed(path, documents.get(path)) for path in chunk)
            self._store.update([Delete(path) for path in documents])
            self._store.commit()
            self._table.write(
                replace(one, state=State.GONE)
                for path in chunk
                if (one := self._departed(path, documents.get(path))).state is State.GOING
            )
            removed += len(documents)
        return removed

    def _departed(self, path: str, document: Document | None) -> Seen:
        """The entry of a picture that is gone, while its document is about to go."""
        seen = self._known[path]
        if document is None:
            return seen if seen.state is State.GOING else replace(seen, state=State.DELETED)
        ours = _OWN | json.loads(seen.columns).keys()
        fields = {name: value for name, value in document.fields.items() if name not in ours}
        return replace(seen, state=State.GOING, fields=json.dumps(fields, ensure_ascii=False))

    def mark(self, failed: Sequence[tuple[str, str]]) -> int:
        """Marks documents whose picture cannot be read, takes their descriptor away, and counts them.

        Their picture is tried again by each sync, and analysed anew as soon as it can be read.
        """
        causes, marked = dict(failed), 0
        for chunk, documents in self._chunks([path for path in causes if path in self._known]):
            theirs = {path: one for path, one in documents.items() if one.from_folder}
            self._table.write(
                replace(self._known[path], stamp="", state=State.HERE) for path in chunk if path in theirs
            )
            descriptors = self._store.descriptors([one.key for one in theirs.values()])
            operations: list[Operation] = []
            for path, one in theirs.items():
                if one.fields.get(UNREADABLE) != causes[path]:
                    operations.append(Add(path, {UNREADABLE: {"set": causes[path]}}, version=1))
                if one.key in descriptors:
                    operations.append(Reanalysed(one.key, descriptors[one.key], None))
            self._store.update(operations, skip_conflicts=True)
            self._store.commit()
            marked += len(theirs)
        return marked

    def _chunks(self, paths: Sequence[str]) -> Iterator[tuple[Sequence[str], dict[str, Document]]]:
        """Some paths at a time, with those of their documents that there are."""
        for start in range(0, len(paths), _CHUNK):
            chunk = paths[start : start + _CHUNK]
            yield chunk, {document.id: document for document in self._store.get(chunk)}
