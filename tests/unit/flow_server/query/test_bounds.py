"""Query texts are read in time linear in their length, or refused with the bound that they pass."""

from __future__ import annotations

import pytest

from include.flow_server.errors import BadRequestError, QuerySyntaxError
from include.flow_server.query import parser
from include.flow_server.query.local_params import read_local_params
from include.flow_server.query.parser import MOST_CLAUSES, MOST_VALUES, parse
from include.flow_server.query.tree import AnyOf, Group, Term
from include.flow_server.recent import Recent

REFUSED = {
    "1.6 MB": ("a " * 800_000, "524288 allowed"),
    "words": ("a " * 100_000, "more than 16384 words and signs"),
    "quotes": ('"' * 100_000, "more than 16384 words and signs"),
    "groups": ("(" * 100_000, "nested more than 100 deep"),
    "closed groups": ("(" * 101 + "a" + ")" * 101, "nested more than 100 deep"),
    "local parameters": ("{!lucene}" * 5000, "nested more than 100 deep"),
    "clauses": (" ".join(f"f{n}_i:1" for n in range(MOST_CLAUSES + 1)), "maxClauseCount is set to 1024"),
    "ranges": ("n_i:[1 TO 2] " * (MOST_CLAUSES + 1), "maxClauseCount is set to 1024"),
    "values": ("{!terms f=id}" + "," * MOST_VALUES, "at most 100000 values"),
    "no separator": ("{!terms f=id separator=''}a,b", "separator is empty"),
    "no field": ("{!term f=''}a", "Missing field"),
}
SYNTAX = {
    "spaces in local parameters": "{!" + " " * 100_000,
    "no end": "{!term f=id",
    "no end of quotes": "{!term f='" + "x" * 100_000,
    "no name": "{!=a}b",
    "half a character": "id:\\ud800",
    "half a character before a wildcard": "id:\\udc00*",
}


@pytest.mark.parametrize(("text", "bound"), REFUSED.values(), ids=REFUSED.keys())
def test_what_passes_a_bound_is_refused_with_it(text: str, bound: str) -> None:
    with pytest.raises(BadRequestError, match=bound):
        parse(text)


@pytest.mark.parametrize("text", SYNTAX.values(), ids=SYNTAX.keys())
def test_what_is_no_query_is_a_syntax_error(text: str) -> None:
    with pytest.raises(QuerySyntaxError):
        parse(text)


def test_what_a_client_sends_for_many_ids_stays_within_the_bounds() -> None:
    ids = [f"project-a/{number:06}, {'long name ' * 10}|;.jpg" for number in range(1000)]
    escaped = ["".join(f"\\{sign}" if sign in ' ,|;/-."' else sign for sign in one) for one in ids]
    group = parse(f"id:({' OR '.join(escaped)})")
    assert isinstance(group, Group)
    assert [node.text for _, node in group.clauses if isinstance(node, Term)] == ids
    many = parse("{!terms f=id}" + ",".join(map(str, range(MOST_VALUES))))
    assert isinstance(many, AnyOf)
    assert len(many.values) == MOST_VALUES


def test_groups_of_one_clause_count_once() -> None:
    parse(" OR ".join(f"(n_i:[{n} TO {n}])" for n in range(MOST_CLAUSES)))


@pytest.mark.parametrize(
    ("text", "parameters", "rest"),
    [
        ("{!term f=id}a b", {"type": "term", "f": "id"}, "a b"),
        ("{! term  f = 'a b' }x", {"type": "term", "f": "a b"}, "x"),
        (r"{!terms f=id separator='\''}a'b", {"type": "terms", "f": "id", "separator": "'"}, "a'b"),
        ('{!terms f=id separator="}"}a}b', {"type": "terms", "f": "id", "separator": "}"}, "a}b"),
        ("{!}x", {}, "x"),
        ("{!" + " " * 100_000 + "}x", {}, "x"),
        (r"{!term f='\u00e9\n'}x", {"type": "term", "f": "é\n"}, "x"),
    ],
)
def test_local_parameters_are_read_as_solr_reads_them(
    text: str, parameters: dict[str, str], rest: str
) -> None:
    assert read_local_params(text) == (parameters, rest)


def test_both_halves_of_a_character_are_one() -> None:
    assert parse("id:\\ud83d\\ude00") == Term("id", "\U0001f600")


def test_trees_are_remembered_by_what_they_weigh() -> None:
    for number in range(20):
        parse(f"title_t:({number} {'x ' * 8000})")
    assert parser._remembered.bytes() <= 16 * 1024 * 1024


def test_recent_keeps_what_fits_and_always_the_newest() -> None:
    recent: Recent[str, int] = Recent(10, lambda _, value: value)
    recent.keep("a", 4)
    recent.keep("b", 4)
    assert recent.get("a") == 4
    recent.keep("c", 4)
    assert [recent.get(name) for name in "abc"] == [4, None, 4]
    recent.keep("a", 5)
    assert recent.bytes() == 9
    recent.keep("d", 100)
    assert [recent.get(name) for name in "acd"] == [None, None, 100]
