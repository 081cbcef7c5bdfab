"""CPU time by step adds up, and names the modules that it goes into."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.tools.step_times import index_steps, sampled, scan_steps
from tests.support.drawn import scene


def test_steps_of_indexing_and_scanning_are_named(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(12)]
    for number, path in enumerate(paths):
        scene(640, 480, seed=number // 2).save(path)
    steps, descriptors = index_steps(paths, tmp_path / "documents.sqlite")
    assert len(descriptors) == len(paths)
    assert steps["detector/imaging/embedding"] > 0
    assert sum(scan_steps(descriptors, tmp_path / "documents.sqlite").values()) > 0


def test_a_block_that_fails_fails() -> None:
    with pytest.raises(ZeroDivisionError), sampled(1):
        _ = 1 / 0


def test_what_nobody_saw_is_told_as_the_rest() -> None:
    with sampled(1) as steps:
        pass
    assert steps["all others"] == sum(steps.values())
