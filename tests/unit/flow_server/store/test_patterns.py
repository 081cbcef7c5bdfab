"""Regular expressions from outside: Java's meaning in linear time, or a 400 that names what is not there."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.flow_server.errors import BadRequestError
from include.flow_server.store.patterns import MOST_PATTERNS, expressions, globs


def test_what_takes_others_exponential_time_takes_linear_time() -> None:
    """Python's own matcher would need 2 ** 100,000 steps."""
    for text in ("(a+)+$", "(a|a)*b", "(a*)*c", "(.*a){20}b"):
        (expression,) = expressions([text])
        assert expression.fullmatch("a" * 100_000 + "!") is None


@pytest.mark.parametrize(
    "text",
    [
        "(?=a)a", "(?<!a)b", r"(a)\1", "a++", "a{2}+", "(?>a)", r"\R", "[a-z&&[^b]]", "[a[b]]", "[[:alpha:]]",
        r"\v", r"\h", "(?U)a", "(?x) a", "(?u:a)", "a{1001}", "((a{100}){100}){100}", "[a", "(", "*a", r"\C",
    ],
)  # fmt: skip
def test_what_is_not_there_or_means_something_else_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match=re.escape(f"{text}'")):
        expressions([text])


@pytest.mark.parametrize(
    ("text", "fits", "fits_not"),
    [
        (r"[&\[\]]+", "[&]", "a"), ("[]a]", "]", "b"), ("[^]a]", "b", "]"), (r"\Q[a&&[b]\E", "[a&&[b]", "a"),
        ("(?i)door", "DOOR", "doors"), ("(?s:a.b)", "a\nb", "ab"), ("a&&b", "a&&b", "a"), ("é?", "é", "ée"),
        (r"\d{2,}", "12", "1"), (r"\\v", r"\v", "v"), ("(?<name>a)", "a", "b"), (r"\p{Lu}", "Ä", "ä"),
    ],
)  # fmt: skip
def test_what_both_have_means_the_same(text: str, fits: str, fits_not: str) -> None:
    (expression,) = expressions([text])
    assert expression.fullmatch(fits) is not None
    assert expression.fullmatch(fits_not) is None


def test_their_number_and_length_are_bounded() -> None:
    for many in (["a"] * (MOST_PATTERNS + 1), ["a" * 5000]):
        with pytest.raises(BadRequestError, match=r"100 expressions|4096"):
            expressions(many)


@given(st.lists(st.text("ab.*?\\[(+", max_size=6), min_size=1, max_size=3), st.text("ab.\\[(+\n", max_size=6))
def test_globs_know_stars_and_question_marks_only(patterns: list[str], name: str) -> None:
    signs = {"*": ".*", "?": "."}
    spelled = ("".join(signs.get(sign) or re.escape(sign) for sign in pattern) for pattern in patterns)
    assert bool(globs(patterns).fullmatch(name)) == any(re.fullmatch(one, name, re.DOTALL) for one in spelled)
