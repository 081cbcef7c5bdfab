"""Where a Flow is and how to be let in. Nothing here shows a secret when printed."""

from __future__ import annotations

import re
import ssl
from base64 import b64encode
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from include.flow_client.errors import FlowAddressError
from include.safe_text import without_login

EXAMPLE = "http://localhost:8983/api/cores/my-collection"
ENCODED = "In a login write / as %2F, ? as %3F, # as %23 and @ as %40."


@dataclass(frozen=True, slots=True)
class FlowAddress:
    """One collection of one Flow.

    `root` is the URL in front of `/api/cores/` and `/solr/`, such as `http://localhost:8983` or
    `https://search.example.com/flow`. Authentication is either `login` and `password`, or `token` (bearer).
    `ca_file`, `client_cert_file` and `client_key_file` are PEM files. `timeout_s` bounds one request as a
    whole.
    """

    root: str
    collection: str
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    verify_tls: bool = True
    ca_file: str | None = None
    client_cert_file: str | None = None
    client_key_file: str | None = None
    proxy: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        parts = _http_parts(self.root, "Flow's URL")
        if parts.username is not None or parts.password is not None:
            raise FlowAddressError(
                "Flow's URL holds a login: give it as login and password, not inside `root`."
            )
        if parts.query or parts.fragment:
            raise FlowAddressError(
                f"Flow's URL {_shown(self.root)} must end with its path: remove everything from ? or # on."
            )
        if not self.collection or "/" in self.collection:
            raise FlowAddressError(
                f"{self.collection!r} is no collection name of Flow at {_shown(self.root)}: "
                f"give the name, as in {EXAMPLE}."
            )
        if self.token is not None and (self.login is not None or self.password is not None):
            raise FlowAddressError(
                f"Flow at {_shown(self.root)}: give a token or a login and password, not both."
            )
        if self.client_key_file is not None and self.client_cert_file is None:
            raise FlowAddressError(
                f"Flow at {_shown(self.root)}: client_key_file needs client_cert_file beside it."
            )
        if not self.timeout_s > 0:
            raise FlowAddressError(
                f"Flow at {_shown(self.root)}: timeout_s is {self.timeout_s}, it must be above 0."
            )
        if self.proxy is not None:
            _http_parts(self.proxy, "the proxy's URL")
        object.__setattr__(self, "root", self.root.rstrip("/"))

    @classmethod
    def parse(cls, url: str, collection: str | None = None) -> Self:
        """Read a root URL, or a full one as people copy it: `http://host:8983/api/cores/my-collection`.

        `/solr/<collection>` and `/api/collections/<collection>` are understood too, and a handler behind the
        collection is ignored. A login in the URL becomes `login` and `password`.

        Raises:
            FlowAddressError: not an http(s) URL, no collection named, or two different ones.
        """
        parts = _http_parts(url, "Flow's URL")
        prefix, named = _split_path(parts.path)
        if named and collection and named != collection:
            raise FlowAddressError(
                f"{_shown(url)} names the collection {named!r} but {collection!r} is asked for: give one."
            )
        chosen = collection or named
        if not chosen:
            raise FlowAddressError(
                f"{_shown(url)} names no collection: give one, or a URL such as {EXAMPLE}."
            )
        host = parts.netloc.rpartition("@")[2]
        address = cls(root=urlunsplit((parts.scheme, host, prefix, "", "")), collection=chosen)
        if parts.username is None:
            return address
        return replace(address, login=unquote(parts.username), password=unquote(parts.password or ""))

    @property
    def core_url(self) -> str:
        """Searching, analysing and asking about the collection: Solr's v2 prefix."""
        return f"{self.root}/api/cores/{quote(self.collection, safe='')}"

    @property
    def update_url(self) -> str:
        """Adding, changing and deleting: Solr's v1 prefix, which takes arrays and commands alike."""
        return f"{self.root}/solr/{quote(self.collection, safe='')}/update"

    def authorization(self) -> str | None:
        """Value of the Authorization header; None if nothing is to be proven."""
        if self.token is not None:
            return f"Bearer {self.token}"
        if self.login is None:
            return None
        return "Basic " + b64encode(f"{self.login}:{self.password or ''}".encode()).decode()

    def tls(self) -> ssl.SSLContext:
        """What a TLS connection is to check and to present.

        Raises:
            FlowAddressError: a named file is missing or is not what it should be.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.client_cert_file is not None:
                context.load_cert_chain(self.client_cert_file, self.client_key_file)
        except OSError as error:
            files = [name for name in (self.ca_file, self.client_cert_file, self.client_key_file) if name]
            missing = [name for name in files if not Path(name).is_file()]
            what = (
                f"{' and '.join(missing)} not found"
                if missing
                else f"{' or '.join(files)} is not usable PEM: {error}"
            )
            raise FlowAddressError(f"TLS to {self.root}: {what}. Check the certificate files.") from error
        if not self.verify_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def __str__(self) -> str:
        return f"collection {self.collection!r} of Flow at {self.root}"


def _http_parts(url: str, what: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise FlowAddressError(
            f"{what} {_shown(url)} is not an http or https URL with a host: write it like {EXAMPLE}. "
            f"{ENCODED}"
        )
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":  # the password would pass for a part of the path
        raise FlowAddressError(f"{what} {_shown(url)} has an @ behind the host. {ENCODED}")
    return parts


def _split_path(path: str) -> tuple[str, str | None]:
    """Split a path into what stands before Solr's own prefix, and the collection if one is named."""
    match = re.fullmatch(
        r"(?P<prefix>.*?)/(?:api/cores|api/collections|api/c|solr)(?:/(?P<name>[^/]*)(?:/.*)?)?", path
    )
    if match is None:
        return path.rstrip("/"), None
    return match["prefix"], unquote(match["name"] or "") or None


def _shown(url: str) -> str:
    """A URL for an error message: without a login, without a query string."""
    return repr(without_login(url))
