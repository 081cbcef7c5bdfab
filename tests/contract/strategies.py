"""Documents, queries and updates that hypothesis makes for the comparison with a real Solr."""

from __future__ import annotations

from hypothesis import strategies as st

IDS = ["d1", "d2", "d10", "a b", "x:y", "project-a/p 1.jpg"]
CATEGORIES = ["c1", "c2", "project-a", "C1", "two words", "a/b"]
LABELS = ["door", "red house", "b", "Ünï", "*"]
DATES = ["2026-01-05T10:00:00Z", "2026-02-28T23:59:59.123Z", "2025-12-31T00:00:00Z", "1969-07-20T20:17:40Z"]
TEXTS = ["The red Door", "red red house", "door of a house", "project-a img_001.jpg 3.14", "don't stop", ""]

ESCAPED = [
    r"category_s:two\ words", r"id:x\:y", r"id:project\-a\/p\ 1.jpg", r"id:\u0064\u0031", r"labels:\u00DCn*",
    r"labels:\*", r"category_s:c\*", r"category_s:a\/b", r"labels:red\ h*", r"id:\u00", "category_s:c1\\",
    r"id:[a\ b TO d1]", r'labels:"\*"', r"\:", r"title_t:don\'t",
]  # fmt: skip
BROKEN = [
    "(", ")", "()", "a:", ":a", "AND", "NOT", "id:d1 AND", "OR id:d1", "id:d1 AND OR id:d2", '"unclosed',
    "[1 TO", "n_i:[1 TO 2", "n_i:[1 2]", "n_i:[1 to 2]", "n_i:[TO 2]", "^", "{", "]", "id:d1)", "+",
    "- id:d1", "!", '"', 'a"b', "--id:d1", "+-id:d1", "id:d1 && && id:d2", "id:d1^", "n_i:", "n_i:()", "*:",
    "{!term}x", "{!lucene", "{!foo}x", "when_dt:[NOW/FOO TO *]", "when_dt:[NOW+1FOO TO *]", "n_i:1.5",
    "p_d:x", "b_b:maybe",
]  # fmt: skip
fields = st.fixed_dictionaries(
    {},
    optional={
        "category_s": st.sampled_from(CATEGORIES),
        "labels": st.lists(st.sampled_from(LABELS), max_size=3),
        "n_i": st.integers(-3, 12),
        "p_d": st.sampled_from([0.0, 1.5, -2.25, 100.0, 1e9]),
        "f_f": st.sampled_from([0.1, 0.7, 3.0]),
        "when_dt": st.sampled_from(DATES),
        "b_b": st.booleans(),
        "title_t": st.sampled_from(TEXTS),
        "is_is": st.lists(st.integers(0, 5), max_size=3, unique=True),
        "ps_ds": st.lists(st.sampled_from([0.5, 1.5, -2.0]), max_size=3),
        "whens_dts": st.lists(st.sampled_from(DATES), max_size=2),
        "bs_bs": st.lists(st.booleans(), max_size=2),
    },
)
documents = st.lists(
    st.builds(lambda name, rest: {"id": name, **rest}, st.sampled_from(IDS), fields), min_size=1, max_size=6
)

_words = st.sampled_from(["red", "door", "house", "C1", "project", "3.14", "don't", "b", "x"])
_leaves = st.one_of(
    st.just("*:*"),
    _words,
    st.sampled_from(CATEGORIES[:4]).map("category_s:{}".format),
    st.sampled_from(CATEGORIES).map('category_s:"{}"'.format),
    st.sampled_from(
        ["category_s:c*", "category_s:?1", "id:d1*", "title_t:hou?e", "labels:*", "n_i:*", "b_b:*"]
    ),
    st.sampled_from(LABELS).map(lambda text: f'labels:"{text}"'),
    st.sampled_from(["b_b:true", "b_b:false", "p_d:1.5", "p_d:[-3 TO 2}", "f_f:0.1", "f_f:[0.1 TO 0.7}"]),
    st.integers(-3, 12).map(lambda n: f"n_i:{n}"),
    st.builds(
        "n_i:{}{} TO {}{}".format,
        st.sampled_from("[{"),
        st.sampled_from(["*", "-2", "0", "3"]),
        st.sampled_from(["*", "2", "5", "11"]),
        st.sampled_from("]}"),
    ),
    st.builds(
        'when_dt:["{}" TO {}]'.format, st.sampled_from(DATES), st.sampled_from(["NOW", "*", "NOW/DAY+1DAY"])
    ),
    st.sampled_from(
        ['title_t:"red house"', "title_t:project-a", 'title_t:"red red"', '"of a house"', "title_t:DOOR"]
    ),
    st.sampled_from(["id:[d1 TO d2]", "id:{d1 TO *]", "category_s:[c1 TO project-a]", "labels:[b TO door]"]),
    st.sampled_from(
        ["n_i:(2 5)", "labels:(door b)", "is_is:(1 2 -3)", "category_s:(c1 c2 OR C1)", "c1 c2 d1"]
    ),
    st.sampled_from(["title_t:(red door)", "title_t:(red - door)", "title_t:...", "(NOT n_i:(2 5))"]),
    st.sampled_from(["nofield:1", "n_i:abc", "when_dt:2026", "_version_:[1 TO *]"]),
    st.sampled_from(ESCAPED),
    st.sampled_from(["12", "2026", "-3", '"5"', "true", "title_t:[Door TO Of]", "title_t:{A TO red]"]),
    st.sampled_from(["whens_dts:[2026-01-01T00:00:00Z TO *]", "ps_ds:[* TO 1}", "bs_bs:true", "-ps_ds:*"]),
)
_broken = st.sampled_from(BROKEN)
_modified = st.builds("{}{}".format, st.sampled_from(["", "", "", "-", "+", "NOT ", "!"]), _leaves)


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operator = st.sampled_from([" ", " AND ", " OR ", " && ", " || ", " AND NOT ", " OR -", " "])
    group = st.builds(
        lambda first, rest: first + "".join(f"{op}{clause}" for op, clause in rest),
        inner,
        st.lists(st.tuples(operator, inner), min_size=1, max_size=3),
    )
    return st.one_of(group, group.map("({})".format), group.map("-({})".format), group.map("+({})^2".format))


queries = st.one_of(_modified, st.recursive(_modified, _joined, max_leaves=6))
local = st.one_of(
    st.sampled_from(IDS).map("{{!term f=id}}{}".format),
    st.lists(st.sampled_from(IDS), max_size=3).map(lambda ids: "{!terms f=id}" + ",".join(ids)),
    queries.map("{{!cache=false}}{}".format),
    queries.map("{{!lucene q.op=AND}}{}".format),
    _broken,
)
_fields = ["id", "category_s", "labels", "n_i", "p_d", "f_f", "when_dt", "b_b", "is_is"]
sorts = st.lists(st.tuples(st.sampled_from(_fields), st.sampled_from(["asc", "desc"])), max_size=2).map(
    lambda keys: ",".join(f"{name} {way}" for name, way in [*keys, ("id", "asc")])
)


def _range(name: str, start: str, end: str, gap: str) -> dict[str, str]:
    given = {"start": start, "end": end, "gap": gap}
    return {"facet.range": name, **{f"facet.range.{part}": value for part, value in given.items()}}


_lists = st.sampled_from(["*", "id", "id,labels", "c*,n_i", "key:id,cat:category_s", "*,score", "id,nofield"])
_facets = st.fixed_dictionaries(
    {"facet": st.just("true"), "facet.mincount": st.sampled_from(["1", "2"])},
    optional={
        "facet.field": st.lists(st.sampled_from([*_fields, "title_t"]), max_size=2, unique=True),
        "facet.query": st.lists(queries, max_size=1),
        "facet.limit": st.sampled_from(["1", "-1", "3"]),
        "facet.sort": st.sampled_from(["count", "index"]),
        "facet.missing": st.sampled_from(["true", "false"]),
    },
)
_number_ranges = st.builds(
    _range,
    st.sampled_from(["n_i", "is_is", "p_d", "ps_ds", "f_f"]),
    st.sampled_from(["-3", "0", "1"]),
    st.sampled_from(["1", "5", "12"]),
    st.sampled_from(["1", "2", "4", "0", "-1"]),
)
_date_ranges = st.builds(
    _range,
    st.sampled_from(["when_dt", "whens_dts"]),
    st.sampled_from(["2025-12-01T00:00:00Z", "2026-01-05T10:00:00Z", "2025-12-31T00:00:00Z/YEAR"]),
    st.sampled_from(["2026-03-01T00:00:00Z", "2026-02-28T23:59:59.123Z", "2025-01-01T00:00:00Z"]),
    st.sampled_from(
        ["+1MONTH", "+20DAYS", "+1YEAR", "+1MONTH/DAY", "+1MONTH-1DAY", "+0DAY", "-1DAY", "1MONTH", "x"]
    ),
)
_ranges = st.one_of(_number_ranges, _date_ranges)
_other = st.fixed_dictionaries(
    {},
    optional={
        "facet.range.other": st.sampled_from(["all", "before", "after", "between", "none", "sideways"]),
        "facet.range.hardend": st.sampled_from(["true", "false"]),
        "facet.mincount": st.sampled_from(["0", "1"]),
    },
)
_stats = st.lists(
    st.sampled_from(["n_i", "p_d", "when_dt", "category_s", "is_is"]), max_size=2, unique=True
).map(lambda names: {"stats": "true", "stats.field": names})
requests_ = st.builds(
    lambda base, facets, ranges, other, stats: {**base, **facets, **ranges, **other, **stats},
    st.fixed_dictionaries(
        {
            "q": st.one_of(queries, local),
            "sort": sorts,
            "fl": _lists,
            "rows": st.sampled_from(["0", "2", "50"]),
        },
        optional={
            "fq": st.lists(st.one_of(queries, local), max_size=2),
            "q.op": st.sampled_from(["AND", "OR"]),
            "df": st.sampled_from(["title_t", "category_s"]),
            "start": st.sampled_from(["0", "1", "9"]),
        },
    ),
    st.one_of(st.just({}), _facets),
    st.one_of(st.just({}), _ranges),
    _other,
    st.one_of(st.just({}), _stats),
)

_many = st.tuples(
    st.sampled_from(["is_is", "ps_ds", "whens_dts", "bs_bs", "labels"]),
    st.sampled_from(["set", "add", "add-distinct", "remove"]),
)
_value = st.sampled_from([1, "2", 0.5, "1.5", True, "true", DATES[0], "b", None])
_values = st.lists(_value, max_size=3)
_operators = st.one_of(
    st.sampled_from(LABELS).map(lambda v: {"labels": {"add": v}}),
    st.lists(st.sampled_from(LABELS), max_size=3).map(lambda v: {"labels": {"set": v}}),
    st.lists(st.sampled_from(LABELS), max_size=2).map(lambda v: {"labels": {"add-distinct": v}}),
    st.sampled_from(LABELS).map(lambda v: {"labels": {"remove": v}}),
    st.sampled_from(["d.*", "[a-z]+", ".*o.*"]).map(lambda v: {"labels": {"removeregex": v}}),
    st.sampled_from([1, -2, "3"]).map(lambda v: {"n_i": {"inc": v}}),
    st.sampled_from([0.5, 1]).map(lambda v: {"p_d": {"inc": v}}),
    st.sampled_from([None, 5, "7"]).map(lambda v: {"n_i": {"set": v}}),
    st.sampled_from(DATES).map(lambda v: {"when_dt": {"set": v}}),
    st.builds(lambda name, values: {name[0]: {name[1]: values}}, _many, _values),
    st.builds(lambda name, value: {name[0]: {name[1]: value}}, _many, _value),
    st.fixed_dictionaries(
        {"labels": st.just({"add": "n"})},
        optional={"n_i": st.just({"inc": 1}), "category_s": st.just("plain"), "is_is": st.just([9, 9])},
    ),
    st.sampled_from([{"inc": "x"}, {}]).map(lambda v: {"n_i": v}),
    st.sampled_from([1, 0.25, "7"]).map(lambda v: {"f_f": {"inc": v}}),
    st.just({"category_s": {"add": "second"}}),
    st.just({"category_s": {"inc": 1}}),
    st.just({"n_i": {"multiply": 2}}),
)
_version = st.sampled_from([None, None, 0, 1, -1, 123, "current"])
changes = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(IDS), st.one_of(fields, _operators), _version),
    st.tuples(st.just("delete"), st.sampled_from(IDS), st.just({}), _version),
    st.tuples(st.just("query"), queries, st.just({}), st.none()),
)
