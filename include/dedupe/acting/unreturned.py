"""Unreturned fields: those that a collection searches but never returns.

They are lost when a document is changed, for Flow then writes it anew from what it returns, and an archive
cannot hold them. What Flow copies from other fields is filled again and is not meant.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.errors import CheckError
from include.dedupe.flow import FlowReader
from include.dedupe.settings.config import CollectionConfig

ANY = "*"
UNTOLD = (
    "Flow does not tell its schema, so that nothing shows whether changed and deleted documents would lose "
    "fields that it searches but does not return. Let the writing connection read /schema/fields, "
    '/schema/dynamicfields and /schema/copyfields, or accept the loss: fields.may_be_lost: ["*"].'
)


async def require_no_loss(writer: FlowWriter, config: CollectionConfig) -> None:
    """Raise ``CheckError`` with what would be lost, by the schema of this moment."""
    if problem := await losses(writer, config):
        raise CheckError(problem)


async def losses(writer: FlowWriter, config: CollectionConfig) -> str:
    """Return what documents would lose if they were changed, or deleted and restored; empty for nothing."""
    accepted = config.fields.may_be_lost
    if ANY in accepted:
        return ""
    names = await writer.unreturned_fields()
    if names is None:
        return UNTOLD
    open_ = [name for name in names if not any(fnmatchcase(name, pattern) for pattern in accepted)]
    lost = [name for name in open_ if await _may_hold(writer.reader, name)]
    if not lost:
        return ""
    return (
        f"Flow searches but does not return {', '.join(lost)}: changed or restored, documents lose it. "
        f"Store them (stored, or docValues with useDocValuesAsStored), or name them in fields.may_be_lost."
    )


async def _may_hold(reader: FlowReader, name: str) -> bool:
    """Whether a document has the field; of a dynamic name nobody can tell which fields there are."""
    if "*" in name:
        return True
    try:
        return (await reader.select(fq=(reader.filters.with_any(name),))).num_found > 0
    except reader.failure as error:
        if getattr(error, "retryable", True) or isinstance(error, reader.denial):
            raise
        return True  # Flow cannot search it so; that proves nothing
