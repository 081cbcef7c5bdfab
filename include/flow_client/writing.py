"""The calls that write to a collection."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from typing import Any
from urllib.parse import urlencode

from yarl import URL

from include.flow_client import answers, params
from include.flow_client.address import FlowAddress
from include.flow_client.answers import Document
from include.flow_client.transport import Request


class Writing(ABC):
    """What a client of one collection can write; where its requests go is the client's."""

    address: FlowAddress

    @abstractmethod
    def _call(self, request: Request) -> Coroutine[Any, Any, dict[str, Any]]: ...

    async def update(
        self,
        docs: Sequence[Document],
        *,
        commit: bool = False,
        commit_within_ms: int | None = None,
        modules: Sequence[str] = (),
    ) -> dict[str, int]:
        """Add or replace documents, or change single fields (`{"id": …, "field": {"set": …}}`).

        A document that carries `_version_` is written only if the collection still has it so (409
        otherwise); an atomic change without one creates the document where it is missing. Returns the new
        versions by id, empty where the server does not tell them.

        Raises:
            FlowRequestError: a document was refused; those before it in the list may have been written.
        """
        if not docs or not all(isinstance(doc.get(params.ID), str) and doc[params.ID] for doc in docs):
            raise ValueError("An update needs documents, and each of them an `id` that is a text.")
        pairs = params.update_pairs(commit, commit_within_ms, modules)
        answer = await self._write("update", docs, pairs, is_repeatable=False)
        return answers.versions(answer, f"update on {self.address}")

    async def delete(
        self,
        ids: Sequence[str] = (),
        *,
        query: str | None = None,
        version: int | None = None,
        commit: bool = False,
    ) -> None:
        """Delete documents by id, or all that a query finds. An id that does not exist is no error.

        With `version`, which goes with one id, the document is deleted only if it is still as it was read.

        Raises:
            ValueError: neither ids nor a query, both, or a version with anything but one id.
            FlowRequestError: 409, the document has another version by now.
        """
        if isinstance(ids, str) or bool(ids) == (query is not None) or not all(ids):
            raise ValueError("A deletion needs either a list of ids, none of them empty, or a query.")
        if version is not None and len(ids) != 1:
            raise ValueError("A version belongs to one document: delete one id at a time with it.")
        if query is not None:
            command = params.delete_query(query)
        else:
            command = params.delete_ids(ids) if version is None else params.delete_version(ids[0], version)
        is_repeatable = query is None and version is None
        await self._write("delete", command, params.commit_pairs(soft=False) if commit else [], is_repeatable)

    async def commit(self, *, soft: bool = False) -> None:
        """Make everything written so far visible to searches."""
        url = f"{self.address.core_url}/{params.UPDATE}?{urlencode(params.commit_pairs(soft))}"
        await self._call(Request("POST", URL(url, encoded=True), f"commit on {self.address}"))

    async def _write(self, what: str, body: Any, pairs: params.Pairs, is_repeatable: bool) -> dict[str, Any]:
        url = f"{self.address.update_url}?{urlencode(pairs)}" if pairs else self.address.update_url
        data = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        return await self._call(
            Request(
                "POST",
                URL(url, encoded=True),
                f"{what} on {self.address}",
                data,
                "application/json",
                is_repeatable=is_repeatable,
            )
        )
