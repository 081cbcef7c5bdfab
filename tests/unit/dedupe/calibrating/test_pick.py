"""The draw: the same whatever order documents come in, and of every category."""

from __future__ import annotations

import random
from typing import Any

from include.dedupe.calibrating.pick import Draw
from include.dedupe.settings.config import CollectionConfig


def config(**calibrate: Any) -> CollectionConfig:
    flow = {"connection": "flow_test", "collection": "pictures"}
    fields = {"category": "folder_s"}
    return CollectionConfig.model_validate({"flow": flow, "fields": fields, "calibrate": calibrate})


def documents() -> list[dict[str, Any]]:
    rare = [{"id": f"rare {number}", "image": "http://x/r", "folder_s": ["rare", "b"]} for number in range(3)]
    return [
        *rare,
        *({"id": f"d{number}", "image": "http://x/d", "folder_s": "often"} for number in range(500)),
    ]


def drawn(found: list[dict[str, Any]], quota: int, **calibrate: Any) -> list[tuple[str, str, str]]:
    draw = Draw(config(**calibrate), quota)
    for first in range(0, len(found), 70):
        draw.add(found[first : first + 70])
    return draw.taken()


def test_the_order_of_documents_does_not_matter_and_the_seed_does() -> None:
    shuffled = documents()
    random.Random(3).shuffle(shuffled)
    assert drawn(documents(), 20) == drawn(shuffled, 20)
    assert drawn(documents(), 20) != drawn(documents(), 20, seed=2)


def test_every_category_is_in_it_and_the_number_is_as_asked() -> None:
    taken = drawn(documents(), 20)
    assert len(taken) == 20
    assert sum(1 for name, _, category in taken if category == "rare") == 3


def test_no_more_are_drawn_than_there_are() -> None:
    assert len(drawn(documents(), 10_000)) == 503


def test_documents_without_category_or_picture_take_part() -> None:
    assert drawn([{"id": "a"}, {"id": "b", "folder_s": []}], 5) == [("a", "", ""), ("b", "", "")]
