"""Report: what a person or another program reads after a run.

``duplicates.csv`` has one cluster a line; ``graph.json`` is the graph of pairs in Cytoscape form; both as
the vendor's scan script writes them. ``clusters.csv`` has one document a line, with a header.
``summary.json`` has the counts, ``report.html`` the clusters as pictures. Where there are policies,
``decisions.csv`` says what each of them is to become and why, and ``redirects.csv`` which document stands
for which.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from include.dedupe.calibration import read_calibration, said_of
from include.dedupe.clustering.news import News
from include.dedupe.csv_table import csv_table
from include.dedupe.deciding.decisions import last_keepers
from include.dedupe.deciding.keeper import BY_ID, describe
from include.dedupe.deciding.refused import REFUSED
from include.dedupe.planning.plan import Plan, read_plan
from include.dedupe.reporting.findings import Findings, read_findings
from include.dedupe.reporting.page import render_page
from include.dedupe.reporting.pictures import CountedPictures, PictureSource
from include.dedupe.reporting.what_if import reckon_thresholds
from include.dedupe.rundir import Attempt, RunDir, Stage
from include.dedupe.scanning.coverage import Coverage, measure_coverage
from include.dedupe.scanning.rehearsal import read_cost
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import COUNTING, DELETING

CLUSTER_COLUMNS = ("cluster_id", "size", "class", "id", "image", "decision", "keeper", "reason")


@dataclass(frozen=True, slots=True)
class ReportStats:
    address: str
    clusters: int
    documents_in_clusters: int


def report(
    run: RunDir, attempt: Attempt, pictures: PictureSource, *, acts: bool = False, page: str = ""
) -> ReportStats:
    """Write the report's files.

    Args:
        run: the run.
        attempt: this execution.
        pictures: where pictures come from.
        acts: what is decided is to be carried out; else the run is dry.
        page: address of the page where the run can be judged, if there is one.

    Raises:
        CoverageError: part of the scope was not scanned. The report is there and says which part.
    """
    stage = run.stage("report", attempt)
    plan = read_plan(run)
    coverage = measure_coverage(run, plan)
    if finished := stage.finished():
        coverage.require_complete(run.address)
        return ReportStats(**finished.result)
    findings = read_findings(run, plan)
    summary = {
        **summarise(run, plan, coverage, findings),
        **about_thresholds(run, plan, findings),
        "outlook": outlook(plan.config, findings, acts=acts),
        "acts": acts,
        "page": page,
    }
    counted = CountedPictures(pictures)
    html = render_page(summary, findings, plan.config.report, counted)
    summary["pictures"] = counted.counts()
    _write_tables(stage, findings, as_text=plan.config.report.cells_as_text)
    stage.write_file("summary.json", json.dumps(summary, indent=2, ensure_ascii=False).encode())
    stage.write_file("report.html", html.encode())
    stats = ReportStats(f"{run.address}/report", summary["clusters"]["count"], len(findings.clusters))
    stage.finish(asdict(stats))
    coverage.require_complete(run.address)
    return stats


def _write_tables(stage: Stage, findings: Findings, *, as_text: bool) -> None:
    stage.write_file("duplicates.csv", to_csv(findings).encode())
    stage.write_file("clusters.csv", csv_table(CLUSTER_COLUMNS, _members(findings), as_text=as_text))
    stage.write_file("graph.json", json.dumps(to_cytoscape(findings), ensure_ascii=False).encode())
    if findings.decisions is not None:
        for name, table in (("decisions", findings.decisions), ("redirects", redirects(findings.decisions))):
            data = csv_table(table.columns, _rows(table), as_text=as_text)
            stage.write_file(f"{name}.csv", data)


def to_csv(findings: Findings) -> str:
    """Return the ids of each cluster as one line, the largest cluster first."""
    text = io.StringIO()
    writer = csv.writer(text)
    for _, members in findings.largest_first():
        writer.writerow(members["id"])
    return text.getvalue()


def _members(findings: Findings) -> Iterator[tuple[Any, ...]]:
    """Yield a row of clusters.csv for each document of each cluster, the largest cluster first."""
    images = dict(zip(findings.documents["id"], findings.documents["image"], strict=True))
    rows = findings.decisions
    said: dict[str, tuple[str, str, str]] = {}
    if rows is not None:
        told = zip(rows["decision"], rows["keeper_id"], rows["reason"], strict=True)
        said = dict(zip(rows["id"], told, strict=True))
    for name, members in findings.largest_first():
        for size, kind, one in zip(members["size"], members["duplicates"], members["id"], strict=True):
            yield (name, size, kind, one, images[one], *said.get(one, ("", "", "")))


def redirects(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return, for each document that another is to stand for: duplicate, keeper, score, class."""
    rows = decisions[decisions["decision"].isin((*DELETING, "link", "export"))]
    rows = rows.assign(keeper_id=last_keepers(rows["id"], rows["keeper_id"]))
    columns = {"id": "duplicate", "keeper_id": "keeper", "score": "score", "duplicates": "class"}
    found: pd.DataFrame = rows[list(columns)].rename(columns=columns)
    return found


def _rows(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    return frame.itertuples(index=False, name=None)


def to_cytoscape(findings: Findings) -> dict[str, Any]:
    """Return the pairs as Cytoscape JSON: nodes with ``image`` and ``cluster``, edges with ``weight``."""
    import networkx as nx  # noqa: PLC0415 - slow, and only this needs it

    graph: nx.Graph[str] = nx.Graph()
    images = findings.documents.set_index("id")["image"]
    members = findings.clusters
    for name, cluster_id in zip(members["id"], members["cluster_id"], strict=True):
        graph.add_node(name, image=images[name], cluster=cluster_id)
    pairs = findings.pairs
    for name_a, name_b, score in zip(pairs["id_a"], pairs["id_b"], pairs["score"], strict=True):
        graph.add_edge(name_a, name_b, weight=score)
    document: dict[str, Any] = nx.cytoscape_data(graph)
    return document


def summarise(run: RunDir, plan: Plan, coverage: Coverage, findings: Findings) -> dict[str, Any]:
    """Return the content of ``summary.json``: settings, coverage and counts of the run."""
    settings = plan.config.scan
    return {
        "collection": run.collection,
        "run_id": run.run_id,
        "planned_at": plan.created_at,
        "scope": {"documents": plan.scope.label, "fq": list(plan.fq), "search_fq": list(plan.search_fq)},
        "settings": {
            "mode": settings.mode,
            "approximate": plan.effort.approximate,
            "smartfilter": plan.effort.smartfilter,
            "threshold": settings.threshold,
            "exact_threshold": settings.exact_threshold,
        },
        "notes": list(plan.notes),
        "left_out": [asdict(one) for one in plan.left_out],
        "cost": read_cost(run),
        "coverage": asdict(coverage),
        "pairs": _pair_counts(run, findings, settings.exact_threshold),
        "clusters": _cluster_counts(findings),
        "news": news_of(run),
        "thresholds": [
            {"threshold": threshold, **_at(findings.parts, threshold)}
            for threshold in sorted(plan.config.cluster.thresholds)
        ],
        "policies": plan.config.policies.model_dump(mode="json") if plan.config.policies else None,
        "decisions": _decisions(findings, plan.config),
    }


def _pair_counts(run: RunDir, findings: Findings, exact_threshold: float) -> dict[str, int]:
    exact = int((findings.pairs["score"] >= exact_threshold).sum())
    return {
        "count": len(findings.pairs),
        "exact": exact,
        "near": len(findings.pairs) - exact,
        "not_duplicates": run.result("clusters").result.get("not_duplicates", 0),
    }


def _cluster_counts(findings: Findings) -> dict[str, int]:
    each = findings.clusters.drop_duplicates("cluster_id")
    kinds = each["duplicates"].value_counts()
    return {
        "count": len(each),
        **{kind: int(kinds.get(kind, 0)) for kind in ("exact", "near", "mixed")},
        "documents": len(findings.clusters),
        "largest": int(findings.clusters["size"].max()) if len(findings.clusters) else 0,
        "chained": int(each["chained"].sum()),
    }


def news_of(run: RunDir) -> dict[str, Any] | None:
    """Return what the run added to what was known, and that in words; None where it was not counted."""
    news = News.read(run.result("clusters").result)
    return {**asdict(news), "told": str(news)} if news else None


def about_thresholds(run: RunDir, plan: Plan, findings: Findings) -> dict[str, Any]:
    """Return what the collection's calibration says of the run's thresholds, and what others would do."""
    scan, known = plan.config.scan, read_calibration(run.lasting)
    says = said_of(known, plan.detector, scan.threshold, scan.exact_threshold)
    return {"calibration": list(says), "what_if": reckon_thresholds(run, plan, findings.pairs)}


def outlook(config: CollectionConfig, findings: Findings, *, acts: bool) -> str:
    """Return what follows the report, which is there before anything is written."""
    if config.policies is None or findings.decided is None:
        return "Nothing is written to the collection: the settings have no policies."
    if not acts:
        return "A dry run: nothing is written to the collection."
    if findings.decided.problems or not findings.decided.acts:
        return "Nothing is written to the collection."
    after = "record/actions.csv says what was done."
    if config.approval.mode == "ask":
        return f"Nothing is written before a person has approved it; {after}"
    return f"What is decided here is carried out as soon as this page is there; {after}"


def _decisions(findings: Findings, config: CollectionConfig) -> dict[str, Any] | None:
    if findings.decided is None or findings.decisions is None:
        return None
    rows = findings.decisions
    counts = Counter(rows["rule"][rows["reason"] == "keeper"])
    by_rule = {describe(rule): counts[describe(rule)] for rule in config.keeper.rules}
    by_rule |= {name: counts[name] for name in COUNTING if counts[name]}
    refused = int(rows["reason"].str.startswith(REFUSED).sum())
    told = {"keepers_by_id": counts[BY_ID], "keepers_by_rule": by_rule, "refused": refused}
    return {**asdict(findings.decided), **told}


def _at(parts: pd.DataFrame, threshold: float) -> dict[str, int]:
    """Return how many clusters there would be at a further threshold, and how many documents in them."""
    here = parts[parts["threshold"] == threshold]
    return {"clusters": int(here["parts"].sum()), "documents": int(here["documents"].sum())}
