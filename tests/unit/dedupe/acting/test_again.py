"""What is sent to add a document again: all that it held, but not what Flow's schema copies by itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.acting.again import Copy, differences, fields_to_send


@pytest.mark.parametrize(
    ("document", "copies", "sent"),
    [
        ({"id": "a", "_version_": 7, "_root_": "a", "score": 5}, [], {"id": "a", "score": 5}),
        ({"title_s": "t", "all": ["t"]}, [Copy("title_s", "all")], {"title_s": "t"}),
        ({"title_s": "t", "all": "t"}, [Copy("title_s", "all")], {"title_s": "t"}),
        ({"title_s": "t", "all": ["own", "t"]}, [Copy("title_s", "all")], {"title_s": "t", "all": ["own"]}),
        ({"title_s": "t", "all": ["t", "t"]}, [Copy("title_s", "all")], {"title_s": "t", "all": ["t"]}),
        ({"all": ["own"]}, [Copy("title_s", "all")], {"all": ["own"]}),
        ({"a_s": "x", "b_s": "y", "all": ["x", "y"]}, [Copy("*_s", "all")], {"a_s": "x", "b_s": "y"}),
        ({"a_s": "x", "a_str": ["x"]}, [Copy("*_s", "*_str")], {"a_s": "x"}),
        ({"a_s": "x", "b_str": ["x"]}, [Copy("*_s", "*_str")], {"a_s": "x", "b_str": ["x"]}),
        ({"a_s": "long", "all": ["lo"]}, [Copy("a_s", "all", 2)], {"a_s": "long"}),
        ({"n_i": 7, "b_b": True, "all": ["7", "true"]}, [Copy("*", "all")], {"n_i": 7, "b_b": True}),
        ({"labels": ["x", "y"], "all": ["x", "y"]}, [Copy("labels", "all")], {"labels": ["x", "y"]}),
        ({"id": "a", "key_s": "a"}, [Copy("id", "key_s")], {"id": "a"}),
    ],
)
def test_what_is_copied_is_not_sent_and_all_else_is(
    document: dict[str, Any], copies: list[Copy], sent: dict[str, Any]
) -> None:
    assert fields_to_send(document, copies) == sent


NAMES = st.sampled_from(["score", "title_s", "labels", "all", "a_s", "a_str", "note_s"])
VALUES = st.one_of(
    st.sampled_from(["x", "y", "long text"]), st.lists(st.sampled_from(["x", "y"]), min_size=1)
)
RULES = [Copy("title_s", "all"), Copy("*_s", "all", 4), Copy("*_s", "*_str"), Copy("labels", "all")]


def as_solr_stores(sent: dict[str, Any], copies: list[Copy]) -> dict[str, list[str]]:
    """Each field as a list of what was sent and of what is copied into it."""
    held = {name: list(value) if isinstance(value, list) else [value] for name, value in sent.items()}
    added: dict[str, list[str]] = {}
    for rule in copies:
        for name, values in held.items():
            is_source = name == rule.source or (rule.source == "*_s" and name.endswith("_s"))
            dest = rule.dest.replace("*", name.removesuffix("_s"))
            if is_source and name != dest:
                added.setdefault(dest, []).extend(one[: rule.most_chars] for one in values)
    return {name: sorted([*held.get(name, []), *added.get(name, [])]) for name in {*held, *added}}


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.lists(st.sampled_from(RULES), unique=True))
def test_whatever_the_copies_a_document_sent_again_is_stored_as_it_was(
    given_fields: dict[str, Any], copies: list[Copy]
) -> None:
    stored = as_solr_stores(given_fields, copies)
    again = as_solr_stores(fields_to_send(stored, copies), copies)
    assert differences(stored, again) == []
