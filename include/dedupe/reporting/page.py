"""report.html: the clusters as pictures, in one file that needs no server and no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import jinja2

from include.dedupe.deciding.keeper import BY_ID
from include.dedupe.reporting.findings import Findings
from include.dedupe.reporting.pictures import PictureSource, Thumbnail
from include.dedupe.reporting.what_if import draw_thresholds
from include.dedupe.settings.report_settings import ReportSettings

MEMBERS_SHOWN = 24
PAIRS_SHOWN = 12
FAILURES_SHOWN = 1000
KEEPER_BY_ID = "keeper by shortest id: no rule told them apart"


@dataclass(frozen=True, slots=True)
class MemberView:
    id: str
    image: str
    thumbnail: Thumbnail
    decision: str
    reason: str
    date: str

    @property
    def link(self) -> str:
        """Where a browser may look for the picture; empty where that is no web address."""
        return self.image if self.image.startswith(("http://", "https://")) else ""


@dataclass(frozen=True, slots=True)
class ClusterView:
    name: str
    duplicates: str
    size: int
    weakest_score: float
    strongest_score: float
    members: list[MemberView]
    pairs: list[tuple[str, str, float]]
    pair_count: int
    chained: bool
    bridges: int
    news: str
    new_documents: int
    parts: list[tuple[float, int, int]]
    """What is left of it at each further threshold: threshold, parts, documents in them."""


def render_page(
    summary: dict[str, Any], findings: Findings, settings: ReportSettings, pictures: PictureSource
) -> str:
    """Return the HTML page: the counts, the first clusters with their pictures, and what was scanned."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("include.dedupe.reporting", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    thresholds = [row["threshold"] for row in summary["thresholds"]]
    clusters = list(view_clusters(findings, settings.pictured_clusters, pictures, thresholds))
    first = findings.failures.head(FAILURES_SHOWN)
    failures = list(zip(first["query_id"], first["cause"], strict=True))
    return templates.get_template("report.html.j2").render(
        summary=summary,
        clusters=clusters,
        failures=failures,
        failed=len(findings.failures),
        what_if=draw_thresholds(summary["what_if"]),
    )


def view_clusters(
    findings: Findings, count: int, pictures: PictureSource, thresholds: Sequence[float]
) -> Iterator[ClusterView]:
    """Yield the first ``count`` clusters, new ones first, with the pictures of their first members.

    ``thresholds``: further ones, at which it says what is left of a cluster.
    """
    shown = dict(islice(findings.newest_first(), count))
    ids = [name for members in shown.values() for name in members["id"].iloc[:MEMBERS_SHOWN]]
    views = _view_members(findings, ids, pictures)
    cluster_of = findings.clusters.set_index("id")["cluster_id"]
    pairs = findings.pairs.assign(cluster_id=findings.pairs["id_a"].map(cluster_of))
    pairs_of = dict(iter(pairs[pairs["cluster_id"].isin(list(shown))].groupby("cluster_id")))
    left = _left(findings, shown)
    news = dict.fromkeys(shown, ("", 0)) | _news(findings)
    for name, members in shown.items():
        first = members.iloc[0]
        ranked = pairs_of[name].sort_values("score", ascending=False, kind="stable")
        yield ClusterView(
            name=name,
            duplicates=first["duplicates"],
            size=len(members),
            weakest_score=first["weakest_score"],
            strongest_score=first["strongest_score"],
            members=[views[member] for member in members["id"].iloc[:MEMBERS_SHOWN]],
            pairs=list(
                ranked[["id_a", "id_b", "score"]].head(PAIRS_SHOWN).itertuples(index=False, name=None)
            ),
            pair_count=len(ranked),
            chained=bool(first["chained"]),
            bridges=int(first["bridges"]),
            news=news[name][0],
            new_documents=news[name][1],
            parts=[(one, *left.get((name, one), (0, 0))) for one in thresholds],
        )


def _view_members(findings: Findings, ids: Sequence[str], pictures: PictureSource) -> dict[str, MemberView]:
    """Return the views of these documents by their ids."""
    images, said = findings.documents.set_index("id")["image"], _said(findings)
    thumbnails = pictures.thumbnails([images[one] for one in ids])
    return {
        one: MemberView(
            one,
            images[one],
            thumbnails[images[one]],
            *said.get(one, ("", "")),
            findings.dates.get(one, ""),
        )
        for one in ids
    }


def _news(findings: Findings) -> dict[str, tuple[str, int]]:
    """Return of each cluster whether it is new, and its documents that were in none before."""
    columns = (findings.news[name] for name in ("cluster_id", "news", "new_documents"))
    return {name: (word, int(count)) for name, word, count in zip(*columns, strict=True)}


def _left(findings: Findings, names: Iterable[str]) -> dict[tuple[str, float], tuple[int, int]]:
    """Return parts and documents that are left of a cluster at a threshold."""
    rows = findings.parts[findings.parts["cluster_id"].isin(list(names))]
    columns = (rows[name] for name in ("cluster_id", "threshold", "parts", "documents"))
    return {(name, at): (int(parts), int(count)) for name, at, parts, count in zip(*columns, strict=True)}


def _said(findings: Findings) -> dict[str, tuple[str, str]]:
    """Return decision and reason of each document; of a keeper, the rule that chose it."""
    rows = findings.decisions
    if rows is None:
        return {}
    by_rule = ("keeper by rule: " + rows["rule"]).where(rows["rule"] != BY_ID, KEEPER_BY_ID)
    why = rows["reason"].where(rows["reason"] != "keeper", by_rule)
    return dict(zip(rows["id"], zip(rows["decision"], why, strict=True), strict=True))
