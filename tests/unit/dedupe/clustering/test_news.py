from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.dedupe.clustering.earlier import Earlier
from include.dedupe.clustering.news import News, tell_news
from include.dedupe.parquet import to_parquet
from include.dedupe.tables import NAMES, NEWS

BEFORE = {"a": "one", "b": "one", "c": "two", "d": "two", "gone": "three"}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"a": "one", "b": "one"}, ("known", 0)),
        ({"a": "one", "b": "one", "x": "one"}, ("changed", 1)),
        ({"x": "x", "y": "x"}, ("new", 2)),
        ({"a": "one", "b": "one", "c": "one", "d": "one"}, ("changed", 0)),
        ({"c": "split", "x": "split"}, ("changed", 1)),
    ],
)
def test_a_cluster_is_new_changed_or_known(now: dict[str, str], expected: tuple[str, int]) -> None:
    ids = pa.array(now, pa.large_string())
    before = Earlier.of(pd.DataFrame(BEFORE.items(), columns=NAMES.names), ids)
    had = before.names_of(np.arange(len(now), dtype=np.int32)).to_pandas()
    news = tell_news(pd.DataFrame({"cluster_id": list(now.values()), "before": had}))
    to_parquet(news, NEWS)
    ((_, word, documents),) = news.itertuples(index=False, name=None)
    assert (word, documents) == expected


def test_a_first_run_finds_only_new_ones() -> None:
    members = pd.DataFrame({"cluster_id": ["a", "a"], "before": [None, None]})
    assert tell_news(members)["news"].tolist() == ["new"]
    assert tell_news(members[:0]).empty


def test_news_in_words() -> None:
    assert str(News(known_clusters=22)) == "Nothing new; known before: 22 clusters."
    assert str(News(1, 2, 1000, 3, 1, 0)) == (
        "This run added 1 new cluster and 1 new pair, with 3 documents that were in none before; 2 clusters "
        "changed, 1,000 were known."
    )
