"""What is known of hubs stays known: a later run deletes nothing that an earlier one put to review."""

from __future__ import annotations

from typing import Any

from include.dedupe.settings.config import CollectionConfig
from tests.pipeline.acting_fixture import CAT, acting
from tests.support.acting import Acting

__all__ = ["acting"]
COPIES = [f"copy {number}" for number in range(8)]


def settings(acting: Acting, max_hits: int, **more: Any) -> CollectionConfig:
    scan = {"max_hits": max_hits, "self_join": False, **more}
    return acting.config(policies={"exact": {"do": "delete"}}, scan=scan)


def counts(acting: Acting, run_id: str, max_hits: int, *, known: bool = True) -> dict[str, int]:
    return acting.decide(acting.run(run_id), settings(acting, max_hits), known=known).counts


def test_a_run_on_known_pairs_puts_hubs_of_earlier_runs_to_review(acting: Acting) -> None:
    acting.fill({name: (CAT, {}) for name in COPIES})
    assert counts(acting, "run-1", 3, known=False) == {"review": 7, "keep": 1}
    assert counts(acting, "run-2", 3) == {"review": 7, "keep": 1}
    assert counts(acting, "run-3", 100) == {"review": 7, "keep": 1}


def test_a_hub_is_one_no_more_once_all_its_hits_were_read(acting: Acting) -> None:
    acting.fill({name: (CAT, {}) for name in COPIES})
    counts(acting, "run-1", 3, known=False)
    assert counts(acting, "run-2", 100, known=False) == {"delete": 7, "keep": 1}
    assert counts(acting, "run-3", 100) == {"delete": 7, "keep": 1}


def test_a_run_over_other_documents_frees_no_hub(acting: Acting) -> None:
    acting.fill({name: (CAT, {"category": "a" if name < COPIES[4] else "b"}) for name in COPIES})
    fields = {"category": "category"}
    few = settings(acting, 3).model_copy(update={"fields": acting.config(fields=fields).fields})
    many = settings(acting, 100).model_copy(update={"fields": few.fields})
    acting.decide(acting.run("run-1"), few, ("a", "b"))
    assert acting.decide(acting.run("run-2"), many, ("b",)).counts == {"review": 7, "keep": 1}
    assert acting.decide(acting.run("run-3"), many, ("a",)).counts == {"delete": 7, "keep": 1}


def test_a_document_that_became_a_hub_when_it_was_searched_for_again_is_one(acting: Acting) -> None:
    acting.fill({name: (CAT, {}) for name in COPIES[:3]})
    assert counts(acting, "run-1", 3, known=False) == {"delete": 2, "keep": 1}
    acting.fill({name: (CAT, {}) for name in COPIES})  # each is another version of its document by now
    assert counts(acting, "run-2", 3)["review"] >= 2
