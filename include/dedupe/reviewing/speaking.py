"""Speaking: what a person says from a shell, of documents and clusters of any run, or of what it exported."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from include.dedupe.clustering.known_ids import require_known
from include.dedupe.clustering.names import cluster_names, last_members
from include.dedupe.clustering.names import members as members_of
from include.dedupe.deciding.decide import DecideStats, current_decisions, decide_again
from include.dedupe.deciding.refused import pairs_of
from include.dedupe.deciding.settled import (
    RECORD,
    Acknowledged,
    exported_by,
    record_acknowledgement,
    settled_by,
    to_settle,
    write_settled,
)
from include.dedupe.errors import VerdictError
from include.dedupe.nearest import tell_unknown
from include.dedupe.reviewing.standing import picture_digest
from include.dedupe.rundir import RunDir
from include.dedupe.storage import Storage
from include.dedupe.tables import DOCUMENTS, empty
from include.dedupe.verdicts import RESTORED_FROM, Verdict, give_verdict, not_undone, read_verdicts

EXAMPLES = 10


def say(
    run: RunDir,
    kind: str,
    ids: tuple[str, ...],
    by: str,
    note: str = "",
    *,
    in_collection: Collection[str] = (),
) -> tuple[Verdict, DecideStats]:
    """Give a verdict, or undo one, and return it with the decisions that stand now.

    ``in_collection``: ids of documents that the collection is known to hold, though no run may have found
    anything of them.

    Raises:
        VerdictError: it does not make sense, or nobody knows one of the ids.
    """
    members = _members(run, ids)
    if kind != "undo":
        require_known(run.lasting, ids, {*in_collection, *members})
    seen = _seen(run, {name for documents in members.values() for name in documents})
    refusals = pairs_of(run.lasting, ids) if kind == "same" else ()
    verdict = give_verdict(
        run.lasting, kind, ids, by, note, members=members, run=run.run_id, seen=seen, refusals=refusals
    )
    if kind == "undo" and run.storage.exists(RECORD):
        record_acknowledgement(run)
    return verdict, decide_again(run)


def verdicts_on(lasting: Storage, ids: Sequence[str]) -> tuple[str, ...]:
    """Return names of verdicts, given such names, or documents and clusters that standing verdicts are on.

    Raises:
        VerdictError: no verdict has such a name, and none that stands is on it.
    """
    standing = [one for one in not_undone(read_verdicts(lasting)) if one.kind != "undo"]
    names = {one.name for one in read_verdicts(lasting)}
    found: dict[str, None] = {}
    for given in ids:
        on = [given] if given in names else [one.name for one in standing if given in one.ids]
        if not on:
            known = {*names, *(name for one in standing for name in one.ids)}
            raise VerdictError(f"There is no verdict {tell_unknown([given], known)} to undo.")
        found |= dict.fromkeys(on)
    return tuple(found)


def verdicts_of(lasting: Storage, *, run_id: str = "", restored: str = "") -> tuple[str, ...]:
    """Return names of standing verdicts that people gave on a run, or that taking back a run remembered.

    Raises:
        VerdictError: there are none.
    """
    standing = [one for one in not_undone(read_verdicts(lasting)) if one.kind != "undo"]
    by_restore = {one.name: one.restored or one.note.removeprefix(RESTORED_FROM) for one in standing}
    if restored:
        told = f"taking back run {restored!r} has remembered nothing"
        found = [name for name, origin in by_restore.items() if origin == restored]
    else:
        told = f"nothing was said on run {run_id!r}"
        found = [one.name for one in standing if one.run == run_id and one.kind != "acknowledge"]
    if not found:
        raise VerdictError(f"There is no verdict to undo: {told} that still stands.")
    return tuple(found)


def acknowledge(run: RunDir, by: str, done: Mapping[str, str] | None = None, note: str = "") -> Acknowledged:
    """Settle what a run exported, so that later runs do not export it; saying it again changes nothing.

    Args:
        run: the run.
        by: who says so.
        done: what was done with each document; None: all that the run exported was carried out as decided.
        note: why.

    Raises:
        VerdictError: there is no such run, or it did not export these documents.
    """
    exported = exported_by(run)
    unknown = sorted(set(done or ()) - set(exported["id"]))
    if unknown or exported.empty or done == {}:
        told = tell_unknown(unknown, set(exported["id"]), EXAMPLES) or "anything"
        raise VerdictError(
            f"Run {run.run_id} did not export {told}; name documents whose decision is export in "
            f"{run.address}/report/decisions.csv."
        )
    settled = to_settle(run, exported, done, settled_by(run))
    if len(settled):
        give_verdict(run.lasting, "acknowledge", (run.run_id, write_settled(run, settled)), by, note)
    return record_acknowledgement(run)


def _seen(run: RunDir, ids: Collection[str]) -> dict[str, str]:
    """Return those ids that are documents of the run, each with the digest of its picture's address."""
    documents = run.read_table("pairs", "documents", DOCUMENTS) if ids else empty(DOCUMENTS)
    rows = documents[documents["id"].isin(ids)]
    return {name: picture_digest(image) for name, image in zip(rows["id"], rows["image"], strict=True)}


def _members(run: RunDir, ids: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return the documents of those ``ids`` that are clusters: as the run has them, else as last known."""
    named = cluster_names(ids)
    own = members_of(current_decisions(run), named) if named else {}
    return last_members(run.lasting, named - own.keys()) | own
