"""The duplicate index: candidates, verification on thumbnails, score and explanation."""

from include.flow_server.index.duplicate_index import DuplicateIndex
from include.flow_server.index.options import Explanation, Hit, SearchOptions

__all__ = ["DuplicateIndex", "Explanation", "Hit", "SearchOptions"]
