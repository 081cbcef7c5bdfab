"""Earlier: the names of the clusters that documents were in before a run, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.clustering.ordering import Codes


@dataclass(frozen=True, slots=True)
class Earlier:
    """``names``, each once, and which of them each document of a run had; -1 for one that had none."""

    names: pa.Array
    of_document: Codes

    @classmethod
    def of(cls, before: pd.DataFrame | None, ids: pa.Array) -> Self:
        """Return what ``before`` (columns of NAMES, each document once) says of ``ids``; None is nothing."""
        of_document = np.full(len(ids), -1, np.int32)
        if before is None or before.empty:
            return cls(pa.array([], pa.large_string()), of_document)
        known, names = (pa.array(before[column], pa.large_string()) for column in ("id", "cluster_id"))
        coded = pa.chunked_array(names if isinstance(names, pa.ChunkedArray) else [names]).dictionary_encode()
        coded = coded.combine_chunks()
        places = pc.index_in(known, value_set=ids).fill_null(-1).to_numpy()
        there = places >= 0
        of_document[places[there]] = coded.indices.to_numpy()[there]
        return cls(coded.dictionary, of_document)

    def names_of(self, documents: Codes) -> pa.Array:
        """Return the name that each of some documents had, null where it had none."""
        codes = self.of_document[documents]
        return self.names.take(pa.array(codes, mask=codes < 0))
