"""The schemas of the tables that a calibration writes."""

from __future__ import annotations

import pyarrow as pa

from include.dedupe.tables import schema_of

SAMPLED = schema_of(partition=pa.string(), id=pa.string(), image=pa.string(), category=pa.string())
"""One row for each document that a calibration has drawn; category is empty where there is none."""

EDITED = schema_of(
    id=pa.string(), kind=pa.string(), strength=pa.string(), score=pa.float64(), problem=pa.string()
)
"""One row for each edit of each drawn document: the score with which it finds the document, 0 if it does not.

``problem`` says why it could not be asked, empty where it could. Of a document whose own picture cannot be
had there is one row, without kind and strength.
"""

NEIGHBOURS = schema_of(
    id=pa.string(),
    image=pa.string(),
    neighbour_id=pa.string(),
    neighbour_image=pa.string(),
    score=pa.float64(),
)
"""One row for each other document that the unedited picture of a drawn document finds, best first."""
