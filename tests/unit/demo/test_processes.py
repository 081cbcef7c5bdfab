"""Programs of the demo keep out of each other's way."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.demo.processes import DemoError, only_one


def test_a_second_one_is_told_that_the_first_runs(tmp_path: Path) -> None:
    lock = tmp_path / "run" / "up.lock"
    for _ in range(2):
        with (
            only_one(lock, "`make up`"),
            pytest.raises(DemoError, match="`make up` runs in this checkout already"),
            only_one(lock, "`make up`"),
        ):
            pass
