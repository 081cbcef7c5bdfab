"""Nothing that a terminal or a log obeys reaches it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.safe_text import shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ü 猫 🐟", "plain ü 猫 🐟"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("\x9b2J", "\\x9b2J"),
        ("a\u202egpj.exe", "a\\u202egpj.exe"),
        ("\u2066x\u2069\u200b\u2028", "\\u2066x\\u2069\\u200b\\u2028"),
        ("\ud800", "\\ud800"),
        ("\x00\x07\x08\x7f", "\\x00\\x07\\x08\\x7f"),
    ],
)
def test_what_steers_a_terminal_is_escaped_and_letters_stay(text: str, expected: str) -> None:
    assert shown(text) == expected


@given(st.text(st.characters(codec=None)))
def test_whatever_the_text_what_is_shown_is_one_line_of_printable_signs(text: str) -> None:
    found = shown(text)
    assert not any(unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for one in found)
    assert shown(found) == found
    found.encode()
