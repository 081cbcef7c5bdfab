from __future__ import annotations

from typing import Any

import pytest

from include.dedupe.deciding.changes import merged


@pytest.mark.parametrize(
    ("rule", "kept", "others", "expected"),
    [
        ("union", ["a"], [["b", "a"], "c", None], ["a", "b", "c"]),
        ("union", None, ["x", "x"], "x"),
        ("max", 2, [5, None, 3], 5),
        ("max", None, [["a", "b"]], "b"),
        ("fill", None, [None, "", "x", "y"], "x"),
        ("fill", "mine", ["x"], "mine"),
        ("join", "a", ["b", "a", None], "a\nb"),
        ("keep", "mine", ["x"], "mine"),
        ("keep", None, ["x"], None),
        ("union", None, [None], None),
    ],
)
def test_each_merge_rule(rule: Any, kept: Any, others: list[Any], expected: Any) -> None:
    keeper = {"id": "k"} if kept is None else {"id": "k", "f": kept}
    found = merged(keeper, [{"f": one} for one in others], {"f": rule})
    assert found == ({} if expected == kept else {"f": expected})
    again = merged({**keeper, **found}, [{"f": one} for one in others], {"f": rule})
    assert again == {}, "merging once more changes nothing"
