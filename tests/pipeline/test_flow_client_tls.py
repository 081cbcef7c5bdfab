"""The client over TLS: it trusts no certificate that it cannot check, and shows its own where asked."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from include.flow_client import FlowAddress, FlowAddressError, FlowAuthError, FlowClient, FlowUnavailableError
from tests.support.scripted_flow import QUICK, scripted_flow


@dataclass(frozen=True)
class Certificate:
    """A certificate that signs itself, valid for 127.0.0.1, and its key, as PEM files."""

    cert: str
    key: str


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Certificate]:
    folder = tmp_path_factory.mktemp("certificates")
    return lambda name: _issue(folder, name)


def _issue(folder: Path, name: str) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    cert = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(str(folder / f"{name}.pem"), str(folder / f"{name}.key"))
    Path(made.cert).write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    Path(made.key).write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return made


def count(server: Certificate, wanted: Certificate | None = None, **address: Any) -> int:
    """One request to a server that shows `server` and lets in only who shows `wanted`."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(server.cert, server.key)
    if wanted:
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_verify_locations(wanted.cert)

    async def main() -> int:
        async with (
            scripted_flow(tls=tls) as flow,
            FlowClient(FlowAddress(flow.url, "c", **address), retry=QUICK) as client,
        ):
            return await client.count()

    return asyncio.run(main())


def test_a_certificate_of_a_known_authority_is_accepted(issued: Callable[[str], Certificate]) -> None:
    server = issued("server")
    assert count(server, ca_file=server.cert) == 0


def test_an_unknown_certificate_is_refused_unless_told_not_to_look(
    issued: Callable[[str], Certificate],
) -> None:
    server = issued("server")
    for address in ({}, {"ca_file": issued("other").cert}):
        with pytest.raises(FlowAuthError, match="certificate is not trusted"):
            count(server, **address)
    assert count(server, verify_tls=False) == 0


def test_a_server_that_wants_our_certificate_gets_it(issued: Callable[[str], Certificate]) -> None:
    server, ours = issued("server"), issued("ours")
    shown = {"client_cert_file": ours.cert, "client_key_file": ours.key}
    assert count(server, wanted=ours, ca_file=server.cert, **shown) == 0
    with pytest.raises(FlowUnavailableError):
        count(server, wanted=ours, ca_file=server.cert)


def test_a_file_that_is_no_certificate_is_named(issued: Callable[[str], Certificate], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("not PEM")
    with pytest.raises(FlowAddressError, match=r"wrong\.pem is not usable PEM"):
        count(issued("server"), ca_file=str(wrong))
