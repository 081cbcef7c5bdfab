"""Many new pictures, and several that write to one collection at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from include.dedupe.acting.apply import apply
from include.dedupe.acting.client_writer import open_writer
from include.dedupe.errors import LeaseError
from include.dedupe.gating.report import read_outcomes
from tests.pipeline.acting_fixture import CAT, policies
from tests.pipeline.gating_fixture import DOCUMENTS, gating
from tests.support.acting import FIRST, LATE
from tests.support.gating import CHELSEA, COFFEE_CUP, Gating, steps

__all__ = ["gating"]
PICTURES = int(os.environ.get("GATE_PICTURES", "40"))
"""Of ten, two are in the collection, and one is a twin of another."""


@pytest.mark.timeout(1200)
def test_each_picture_is_analysed_once_and_of_alike_ones_one_is_let_in(gating: Gating) -> None:
    rows = []
    for number in range(PICTURES):
        kind, name = number % 10, f"{number}.png"
        if kind in (0, 5):
            photo = CHELSEA if kind else COFFEE_CUP
            image = gating.picture(name, photo, 0.3 + number / (5 * PICTURES))
        else:
            image = gating.picture(name, seed=number - (kind == 9))
        rows.append({"id": name, "image": image})
    gate = {"near": "reject", "chunk_documents": 150, "batch_documents": 60}
    found = gating.go(rows, gate)
    assert Counter(row.outcome for row in found.values()) == {
        "indexed": PICTURES * 7 // 10,
        "rejected": PICTURES * 3 // 10,
    }
    for number, row in enumerate(found.values()):
        expected = {0: "coffee", 5: "cat", 9: f"{number - 1}.png"}.get(number % 10, "")
        assert row.match_id == expected
    assert gating.acting.server.counts()["analyze"] == PICTURES
    assert len(gating.acting.documents()) == len(DOCUMENTS) + PICTURES * 7 // 10


def test_two_gates_and_a_dedupe_run_at_once(gating: Gating) -> None:
    """They take turns; what two bring is let in once, and the dedupe run sees nothing that is pending."""
    gating.acting.fill({**DOCUMENTS, "cat copy": (CAT, {})})
    config = gating.config({"batch_documents": 2}, **policies("delete"))
    gating.acting.check(config)
    rows = [{"id": f"{n}", "image": gating.picture(f"{n}.png", seed=n)} for n in range(4)]
    runs = []
    for name in ("a", "b"):
        named = [{**row, "id": f"{name}{row['id']}"} for row in rows]
        runs.append(gating.take(gating.manifest(named, f"{name}.jsonl"), config, name))
    dedupe = gating.acting.run("dedupe")

    async def patiently(work: Callable[[Any], Coroutine[Any, Any, Any]]) -> None:
        while True:
            with contextlib.suppress(LeaseError):
                async with open_writer(gating.acting.address()) as writer:
                    await work(writer)
                    return
            await asyncio.sleep(0.05)

    async def all_at_once() -> None:
        digest = await asyncio.to_thread(lambda: gating.acting.decide(dedupe, config).hash)
        await asyncio.gather(
            patiently(lambda writer: steps(writer, runs[0], FIRST)),
            patiently(lambda writer: steps(writer, runs[1], FIRST)),
            patiently(lambda writer: apply(writer, dedupe, FIRST, digest, LATE, dry_run=False)),
        )

    asyncio.run(all_at_once())
    for pair in zip(*(read_outcomes(run) for run in runs), strict=True):
        assert sorted(row.outcome for row in pair) == ["indexed", "rejected"]
    documents = gating.acting.documents()
    assert len(documents) == len(DOCUMENTS) + 4
    assert "cat copy" not in documents
    assert not [one for one in documents.values() if "gate_pending_s" in one]


def test_a_dedupe_run_neither_scans_nor_finds_what_is_pending(gating: Gating) -> None:
    gating.acting.fill({**DOCUMENTS, "left": (CAT, {"gate_pending_s": "pictures/elsewhere"})})
    config = gating.config({}, **policies("delete"))
    assert gating.acting.decide(gating.acting.run("dedupe"), config).acts == 0
