"""Two originals are compared as they are shown, and by nothing that a file only claims."""

from __future__ import annotations

import pytest

from include.dedupe.acting.sight import compare_originals
from include.tools.last_look_drawings import statement
from tests.support.library import jpeg, photo
from tests.support.profiles import ADOBE_RGB, brought_into
from tests.unit.safe_picture.test_colours import saved


def test_a_copy_in_the_colours_of_another_profile_is_a_copy() -> None:
    copy = saved(brought_into(photo(), ADOBE_RGB), "JPEG", icc_profile=ADOBE_RGB)
    assert compare_originals(copy, jpeg(photo())) is None
    assert compare_originals(jpeg(photo()), copy) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_broken_profile_lets_nothing_pass(kind: str) -> None:
    odd = saved(photo(), kind, icc_profile=ADOBE_RGB[:200])
    for own, kept, whose in ((odd, jpeg(photo()), "the"), (jpeg(photo()), odd, "its keeper's")):
        objection = compare_originals(own, kept)
        assert objection is not None
        assert objection.reason.startswith(f"{whose} picture cannot be read: its colour profile")


def test_a_page_is_not_given_for_its_thumbnail_whose_print_nobody_can_read() -> None:
    page = statement("1").convert("RGB")
    thumbnail = saved(page.resize((page.width // 4, page.height // 4)), "PNG")
    for own, kept in ((saved(page, "PNG"), thumbnail), (thumbnail, saved(page, "PNG"))):
        objection = compare_originals(own, kept)
        assert objection is not None
        assert "print" in objection.reason
        assert objection.outcome == "review"
