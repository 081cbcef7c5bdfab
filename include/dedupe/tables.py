"""The schemas of the tables that a run writes, and the format version of all tables; and nothing else.

Those of the gate and of the calibration stand in their packages.

Tables are Parquet files. Each carries the version of the format in its schema metadata, so that a file of
another version is refused instead of misread.
"""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

FORMAT_VERSION = "1"
VERSION_KEY = b"flow_dedupe_format"


def schema_of(**columns: pa.DataType) -> pa.Schema:
    """Return a schema of this format version without missing values."""
    fields = [pa.field(name, kind, nullable=False) for name, kind in columns.items()]
    return pa.schema(fields, metadata={VERSION_KEY: FORMAT_VERSION.encode()})


EDGES = schema_of(query_id=pa.string(), match_id=pa.string(), score=pa.float64())
"""One row for each hit of each scanned document, directed."""

DOCUMENTS = schema_of(id=pa.string(), image=pa.string(), fingerprint=pa.string())
"""One row for each document of an edge: its picture's address, empty where it has none, and what tells that
the document has changed since."""

LISTED = schema_of(id=pa.string())
"""One row for each document of a partition that was to be searched for."""

FAILURES = schema_of(query_id=pa.string(), cause=pa.string(), retryable=pa.bool_())
"""One row for each query that failed."""

HUBS = schema_of(id=pa.string(), hits=pa.int64())
"""One row for each document with more hits than were read."""

KNOWN_HUBS = schema_of(id=pa.string(), hits=pa.int64(), detector=pa.string())
"""HUBS as they are kept beside the runs, with the detector; 0 hits for one that is a hub no more."""

PAIRS = schema_of(
    id_a=pa.string(),
    id_b=pa.string(),
    score=pa.float64(),
    seen_from_a=pa.bool_(),
    seen_from_b=pa.bool_(),
)
"""One row for each unordered pair, ``id_a < id_b``: the best score and which queries found it."""

KNOWN_PAIRS = pa.schema(
    [
        *PAIRS,
        *schema_of(
            fingerprint_a=pa.string(), fingerprint_b=pa.string(), detector=pa.string(), floor=pa.float64()
        ),
    ],
    metadata=PAIRS.metadata,
)
"""PAIRS as they are kept beside the runs, with the fingerprints of both documents when it was found, the
detector, and the score down to which pairs were kept.

A document that had changed is kept as a pair with itself, score 0: it was searched for as it is now.
"""

CLUSTERS = schema_of(
    cluster_id=pa.string(),
    id=pa.string(),
    size=pa.int64(),
    duplicates=pa.string(),
    weakest_score=pa.float64(),
    strongest_score=pa.float64(),
    pairs=pa.int64(),
    bridges=pa.int64(),
    chained=pa.bool_(),
    hub=pa.bool_(),
)
"""One row for each member of each cluster.

``duplicates`` says how its pairs are: exact, near or mixed. ``bridges`` counts the pairs without which a
cluster of three or more would fall apart. ``chained``: some two members are no pair. ``hub``: a member had
more hits than were read, so that the cluster is known in part only.
"""

BRIDGES = schema_of(cluster_id=pa.string(), id_a=pa.string(), id_b=pa.string(), score=pa.float64())
"""One row for each pair without which its cluster would fall apart."""

PARTS = schema_of(threshold=pa.float64(), cluster_id=pa.string(), parts=pa.int64(), documents=pa.int64())
"""One row for each cluster that holds pairs at a further threshold: into how many it falls there."""

NAMES = schema_of(id=pa.string(), cluster_id=pa.string())
"""One row for each document that was ever in a cluster: the last one's name."""

CLUSTER_EVENTS = schema_of(event=pa.string(), from_id=pa.string(), to_id=pa.string(), documents=pa.int64())
"""One row for each cluster that was merged into another, or part of which was split off: merge or split."""

ADDED = schema_of(id_a=pa.string(), id_b=pa.string())
"""One row for each pair that counts and that no earlier run had found."""

NEWS = schema_of(cluster_id=pa.string(), news=pa.string(), new_documents=pa.int64())
"""One row for each cluster: whether it is new, changed or known, and its documents that were in none."""

FACTS = schema_of(
    id=pa.string(), is_protected=pa.bool_(), filled=pa.int64(), fields=pa.string(), fingerprint=pa.string()
)
"""One row for each document of a pair that exists: what rules and policies go by; ``fields`` is JSON."""

DECISIONS = schema_of(
    cluster_id=pa.string(),
    id=pa.string(),
    keeper_id=pa.string(),
    decision=pa.string(),
    duplicates=pa.string(),
    score=pa.float64(),
    rule=pa.string(),
    reason=pa.string(),
    fingerprint=pa.string(),
    keeper_fingerprint=pa.string(),
)
"""One row for each document of each cluster: what policy says of it.

``duplicates`` is its class, exact, near or chained (no pair with the keeper, score 0); ``rule`` is the rule
that chose the keeper.
"""

SETTLED = schema_of(
    run=pa.string(), cluster_id=pa.string(), id=pa.string(), image=pa.string(), done=pa.string()
)
"""One row for each document of a cluster that a run exported and that was acknowledged, the keeper included.

``run`` is the run's folder, ``image`` the picture's address then, ``done`` what was done with the document.
"""

ACTIONS = schema_of(
    id=pa.string(),
    cluster_id=pa.string(),
    keeper_id=pa.string(),
    decision=pa.string(),
    outcome=pa.string(),
    reason=pa.string(),
    score=pa.float64(),
    at=pa.string(),
    change=pa.string(),
)
"""One row for each decision that apply came to: done, skipped, review, failed or planned, and why.

``change`` is where the last look saw that two pictures differ: left, top, right and bottom as shares of the
picture, with commas between them; else empty.
"""

DECIDED = (
    "keep",
    "delete",
    "merge",
    "condemn",
    "link",
    "replace",
    "tag",
    "untag",
    "export",
    "review",
    "report",
)
"""All decisions that there are."""

SHOWN_CLUSTERS = schema_of(
    cluster_id=pa.string(),
    size=pa.int64(),
    duplicates=pa.string(),
    weakest_score=pa.float64(),
    strongest_score=pa.float64(),
    pairs=pa.int64(),
    bridges=pa.int64(),
    chained=pa.bool_(),
    hub=pa.bool_(),
    first_member=pa.int64(),
    first_pair=pa.int64(),
    keeper=pa.int64(),
    bytes=pa.int64(),
    bytes_unknown=pa.int64(),
    judged=pa.bool_(),
    **dict.fromkeys(DECIDED, pa.int64()),
)
"""One row for each cluster of a run, the largest first, for the review page.

``first_member``, ``keeper`` and ``first_pair`` are rows of SHOWN_MEMBERS and SHOWN_PAIRS; keeper is -1 where
none was chosen. ``bytes`` are those of the documents that would be deleted, ``bytes_unknown`` how many of
them tell no size. ``judged``: people have said what they have to say. The columns of ``DECIDED`` count its
documents by decision.
"""

SHOWN_MEMBERS = pa.schema(
    [*schema_of(cluster_id=pa.string(), image=pa.string(), hub=pa.bool_(), bytes=pa.int64()), *FACTS],
    metadata=EDGES.metadata,
)
"""One row for each document of a cluster, cluster by cluster as in SHOWN_CLUSTERS, by id.

FACTS, its picture's address, whether it has more hits than were read, and its bytes, -1 where nothing tells.
"""

SHOWN_PAIRS = pa.schema(
    [*schema_of(cluster_id=pa.string(), bridge=pa.bool_()), *PAIRS],
    metadata=EDGES.metadata,
)
"""One row for each pair, cluster by cluster as in SHOWN_CLUSTERS, the strongest first."""

SHOWN_DECISIONS = schema_of(
    now_in=pa.string(),
    keeper_id=pa.string(),
    decision=pa.string(),
    duplicates=pa.string(),
    score=pa.float64(),
    rule=pa.string(),
    reason=pa.string(),
)
"""One row for each row of SHOWN_MEMBERS, in the same order: what is decided of the document.

``now_in`` is the cluster that it is in when verdicts are counted in, empty if it is in none.
"""


def empty(schema: pa.Schema) -> pd.DataFrame:
    """Return a table of ``schema`` without rows."""
    frame: pd.DataFrame = schema.empty_table().to_pandas()
    return frame
