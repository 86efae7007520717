"""A certificate authority of the sandbox's own, made at start and gone at close."""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile
import weakref
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.errors import CapabilityError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

NEEDED = 'the sandbox over https needs: pip install "pipelex-like[sandbox-https]"'
# Wide enough for machines whose clock is wrong: the keys live no longer than the sandbox.
_FROM, _UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Authority:
    """What https is served with: `context`, and `ca_file`, the authority's certificate that a client has to trust."""

    ca_file: Path
    context: ssl.SSLContext
    remove: weakref.finalize[..., ssl.SSLContext]
    """Takes the private directory away; called at the end of the process if by nobody before."""


def make_authority() -> Authority:
    """Make an authority and a certificate of it for 127.0.0.1 and localhost.

    The authority's key is never written; the server's is in a private directory while it is read. Raises
    CapabilityError where the package `cryptography` is missing.
    """
    try:
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    except ModuleNotFoundError as error:
        raise CapabilityError(NEEDED) from error
    authority, served, key = _certificates()
    directory = Path(tempfile.mkdtemp(prefix="pipelex-like-sandbox-"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    remove = weakref.finalize(context, _remove, str(directory), os.getpid())
    ca_file, server = directory / "ca.pem", directory / "server.pem"
    _write(ca_file, authority.public_bytes(Encoding.PEM))
    try:
        # `ssl` reads keys from files only.
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write(server, served.public_bytes(Encoding.PEM) + secret)
        context.load_cert_chain(server)
    finally:
        server.unlink(missing_ok=True)
    context.set_alpn_protocols(["http/1.1"])
    return Authority(ca_file, context, remove)


def _certificates() -> tuple[x509.Certificate, x509.Certificate, EllipticCurvePrivateKey]:
    """Give the authority's certificate, the server's, and the server's key."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import ExtendedKeyUsageOID

    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    named, server = _name("pipelex-like sandbox authority"), _name("pipelex-like sandbox")
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key())
    authority = (
        _builder(named, named, root.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(above, critical=False)
        .sign(root, SHA256())
    )
    places = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
    served = (
        _builder(server, named, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(places), critical=False)
        .add_extension(above, critical=False)
        .sign(root, SHA256())
    )
    return authority, served, key


def _name(text: str) -> x509.Name:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: EllipticCurvePublicKey) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _remove(directory: str, process: int) -> None:
    # A forked child has the directory's name too, and it is not the child's to take away.
    if os.getpid() == process:
        shutil.rmtree(directory, ignore_errors=True)
