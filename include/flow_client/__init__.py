"""Speaks HTTP to any Flow and knows nothing of policy.

    async with FlowClient(FlowAddress.parse("http://localhost:8983", "my-collection")) as flow:
        async for page in flow.iterate(fq=[query.term("category", "fishes")]):
            ...

`client` has the calls, `query` makes filters of values, `params` holds Flow's names, `decoding` tells what is
no success, `answers` and `schema` check what comes back, `transport` has connections and repeats, `errors`
what can go wrong.
"""

from __future__ import annotations

from include.flow_client import query
from include.flow_client.address import FlowAddress
from include.flow_client.answers import CollectionInfo, Document, JoinedDocument, JoinPage, Page
from include.flow_client.client import FlowClient
from include.flow_client.errors import (
    FlowAddressError,
    FlowAuthError,
    FlowError,
    FlowRequestError,
    FlowResponseError,
    FlowUnavailableError,
)
from include.flow_client.params import FacetRange, PictureSearch, Query, SmartFilter
from include.flow_client.schema import SchemaField
from include.flow_client.transport import RetryPolicy

__all__ = [
    "CollectionInfo",
    "Document",
    "FacetRange",
    "FlowAddress",
    "FlowAddressError",
    "FlowAuthError",
    "FlowClient",
    "FlowError",
    "FlowRequestError",
    "FlowResponseError",
    "FlowUnavailableError",
    "JoinPage",
    "JoinedDocument",
    "Page",
    "PictureSearch",
    "Query",
    "RetryPolicy",
    "SchemaField",
    "SmartFilter",
    "query",
]
