"""The schemas of the tables that a run of the gate writes."""

from __future__ import annotations

import pyarrow as pa

from include.dedupe.tables import schema_of

INCOMING = schema_of(
    number=pa.int64(),
    id=pa.string(),
    image=pa.string(),
    source=pa.string(),
    fields=pa.string(),
    problem=pa.string(),
)
"""One row for each document that came to the gate, by its place among them, from 1 on.

``image`` is the address that the document gets, ``source`` where its picture is read, ``fields`` JSON.
``problem`` says why it cannot be taken, empty where it can.
"""

ANALYSED = schema_of(number=pa.int64(), problem=pa.string())
"""One row for each incoming document of a chunk that could be taken, with why it was not analysed."""

MATCHES = schema_of(
    number=pa.int64(), id=pa.string(), score=pa.float64(), is_protected=pa.bool_(), fields=pa.string()
)
"""One row for each document of the collection that an incoming one looks like; ``fields`` is JSON."""

GATED = schema_of(
    number=pa.int64(),
    id=pa.string(),
    image=pa.string(),
    outcome=pa.string(),
    match_id=pa.string(),
    score=pa.float64(),
    matched_ids=pa.string(),
    scores=pa.string(),
    reason=pa.string(),
    at=pa.string(),
)
"""One row for each incoming document: what became of it and why.

``match_id`` is the document that decided it; ``matched_ids`` and ``scores`` are JSON lists of all, best
first.
"""
