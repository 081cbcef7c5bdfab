"""Object stores: how they are opened, and what they must promise before two machines may write to one.

A file is one PUT, or a multipart upload that is completed; so nobody sees half of it. What only one of two
writers may do is a file that is created where there is none. A store that does not keep this promise, or does
not list at once what was written, would lose what people said: it is refused.
"""

from __future__ import annotations

import functools
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fsspec
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from include.dedupe.airflow_connection import connection_fields, variable_of
from include.dedupe.errors import ConfigError, DedupeError, StorageError
from include.safe_text import shown, without_login

_WITH_CONNECTION = re.compile(r"(?P<scheme>s3|s3a|gs|gcs)://(?P<connection>[\w.-]+)@(?P<rest>.+)")
CREATES_ALONE = frozenset({"s3", "s3a", "gs", "gcs", "memory"})
"""Protocols by whose fsspec packages the store itself refuses a second writer (If-None-Match)."""
LOGIN_KEPT_S = 60.0
"""So long a connection's login is used before it is asked for again: new ones hold without a restart."""
ELSEWHERE = (
    "Keep the runs where it is done: in S3 or a store that knows If-None-Match, in Google Cloud Storage, "
    "or in a folder that all machines share."
)
_kept_promises: set[tuple[AbstractFileSystem, str]] = set()


def open_store(address: str) -> tuple[AbstractFileSystem, str]:
    """Return the file system of an address, and the path in it.

    ``s3://CONNECTION@bucket/path`` names the Airflow connection that has the login, as Airflow writes it.
    Listings are never kept: what another machine has written is to be seen.

    Raises:
        ConfigError: no package for the address is installed, or its connection cannot be used.
    """
    found = _WITH_CONNECTION.fullmatch(address)
    plain = f"{found['scheme']}://{found['rest']}" if found else address
    login = _login(found["connection"], int(time.monotonic() / LOGIN_KEPT_S)) if found else {}
    try:
        files, root = fsspec.core.url_to_fs(plain, use_listings_cache=False, **login)
    except (ImportError, ValueError, TypeError) as error:
        told = shown(error).replace(address, without_login(address))
        raise ConfigError(f"storage {without_login(address)!r} cannot be opened: {told}.") from None
    return files, root


@functools.lru_cache(maxsize=32)
def _login(connection: str, _moment: int) -> dict[str, Any]:
    """Return the login of a connection of type aws, or the ``storage_options`` of its extra, for fsspec."""
    try:
        fields = connection_fields(connection)
    except ValueError:
        told = f"{variable_of(connection)} holds no connection: neither JSON nor an address."
        raise ConfigError(told) from None
    if fields is None:
        raise ConfigError(
            f"The storage needs the connection {connection!r}: add it to Airflow, or set "
            f"{variable_of(connection)}."
        )
    extra = fields.get("extra") or {}
    if "storage_options" in extra:
        return dict(extra["storage_options"])
    if unknown := sorted({"role_arn", "profile_name"} & set(extra)):
        raise ConfigError(
            f"The connection {connection!r} has {', '.join(unknown)}, which the storage does not use: leave "
            f"the connection out of its address and let the machine have the role or the profile."
        )
    token = extra.get("aws_session_token")
    found = {"key": fields.get("login"), "secret": fields.get("password"), "token": token}
    client = {name: extra[name] for name in ("endpoint_url", "region_name") if extra.get(name)}
    given = {name: value for name, value in found.items() if value}
    return {**given, **({"client_kwargs": client} if client else {})}


def is_local(files: AbstractFileSystem) -> bool:
    return isinstance(files, LocalFileSystem)


@contextmanager
def asking(files: AbstractFileSystem, path: str) -> Iterator[None]:
    """Let what an object store answers, after all its client's retries, be one error that names the file.

    That a file is missing, or there already, stays what it is.

    Raises:
        StorageError: it cannot be asked, or refuses.
    """
    try:
        yield
    except (FileNotFoundError, FileExistsError, DedupeError):
        raise
    except Exception as error:
        if is_local(files):
            raise
        told = shown(error) or type(error).__name__
        raise StorageError(
            f"The storage does not answer for {files.unstrip_protocol(path)} ({type(error).__name__}: "
            f"{told}). A retry goes on; if it does not help, look at its address, login and rights."
        ) from error


def put(files: AbstractFileSystem, path: str, data: bytes, *, create: bool = False) -> None:
    """Write a file as one; with ``create`` only where there is none.

    Raises:
        FileExistsError: there is one.
        ConfigError: the bucket is not there.
        StorageError: it is, and what had been uploaded of the file is not.
    """
    try:
        files.pipe_file(path, data, mode="create" if create else "overwrite")
    except FileNotFoundError as error:
        bucket = path.strip("/").partition("/")[0]
        if files.exists(bucket):
            told = f"{files.unstrip_protocol(path)} was not written ({shown(error)}). A retry goes on."
            raise StorageError(told) from error
        told = f"The storage has no {files.unstrip_protocol(bucket)}"
        raise ConfigError(f"{told}: make the bucket, or look at the address of the storage.") from None


def require_promises(files: AbstractFileSystem, root: str) -> None:
    """Make sure, once in a process, that a store lets one of two writers win, and lists what was written.

    Raises:
        ConfigError: it does not.
    """
    place = (files, root.strip("/").partition("/")[0])
    if place in _kept_promises:
        return
    told = files.unstrip_protocol(root)
    protocols = {files.protocol} if isinstance(files.protocol, str) else set(files.protocol)
    if not protocols & CREATES_ALONE:
        raise ConfigError(
            f"The storage {told} cannot create a file only where there is none, so that two machines could "
            f"write to one collection at once; nothing was written. {ELSEWHERE}"
        )
    folder, name = f"{root}/.promise-{uuid.uuid4().hex}", "promise"
    put(files, f"{folder}/{name}", b"first", create=True)
    try:
        if _takes(files, f"{folder}/{name}"):
            raise ConfigError(
                f"The storage {told} has written over a file that was to be created only where there is none "
                f"(If-None-Match), so that two machines could write to one collection at once; nothing else "
                f"was written. {ELSEWHERE}"
            )
        if name not in {path.rpartition("/")[2] for path in _listed(files, folder)}:
            raise ConfigError(
                f"The storage {told} does not list a file at once after it was written, so that what people "
                f"said could be missed; nothing else was written. {ELSEWHERE}"
            )
    finally:
        files.rm_file(f"{folder}/{name}")
    _kept_promises.add(place)


def _takes(files: AbstractFileSystem, path: str) -> bool:
    try:
        put(files, path, b"", create=True)  # an empty file is a file, too
    except FileExistsError:
        return False
    return True


def _listed(files: AbstractFileSystem, folder: str) -> list[str]:
    try:
        found: list[str] = files.ls(folder, detail=False, refresh=True)
    except FileNotFoundError:
        return []
    return found
