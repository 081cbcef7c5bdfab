"""The duplicate index: candidates, verification on thumbnails, score and explanation."""

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from include.flow_server.index.duplicate_index import DuplicateIndex
from include.flow_server.index.options import Hit, SearchOptions

threadpool_limits(limits=1, user_api="blas")  # matrices here are so small that threads double the CPU time

__all__ = ["DuplicateIndex", "Hit", "SearchOptions"]
