"""The way out to a platform, over real TLS on loopback: whom the clearing house talks to at all."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from clearinghouse.edge_checks import (
    platforms_are_called_over_verified_tls,
    private_networks_are_named_narrowly,
)
from roaming.api import outward
from roaming.api.platform_client import NativeClient
from roaming.ports import Address, NoAnswer, OutgoingMessage

NAME = "platform.example"
MESSAGE = OutgoingMessage("UC3-1", "uc3-1/local-start", b"{}", "m-1", "c-1")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
TODAY = datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, as files and as objects."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    files: tuple[str, str]


def issue(folder: Path, name: str, issuer: Issued | None = None, *, days: int = 30) -> Issued:
    """A certificate for `name`; without an issuer it signs itself and is a CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(TODAY - datetime.timedelta(days=60))
        .not_valid_after(TODAY + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    paths = (folder / f"{name}-{days}.pem", folder / f"{name}-{days}.key")
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return Issued(certificate, key, (str(paths[0]), str(paths[1])))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder):
    return issue(folder, "authority.example")


@pytest.fixture(scope="module")
def served(folder, authority):
    return issue(folder, NAME, authority)


@dataclass
class TlsPlatform:
    """`heard` counts the requests that came through; `peer` is the certificate presented."""

    port: int
    heard: int = 0
    peer: bytes | None = None


@contextlib.contextmanager
def tls_platform(certificate: Issued, *, newest=None, asks_of=None, says=OK, host="127.0.0.1"):
    """A platform that speaks TLS on loopback, up to the version `newest`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate.files)
    if newest:
        context.maximum_version = newest
    if asks_of:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(asks_of.files[0])
    with socket.socket() as server:
        server.bind((host, 0))
        server.listen()
        platform = TlsPlatform(server.getsockname()[1])

        def serve():
            while True:
                try:
                    plain, _ = server.accept()
                except OSError:
                    return
                with contextlib.suppress(OSError), plain:
                    plain.settimeout(5)
                    with context.wrap_socket(plain, server_side=True) as secure:
                        platform.peer = secure.getpeercert(binary_form=True)
                        if secure.recv(65_536):
                            platform.heard += 1
                            secure.sendall(says)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield platform
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(6)


class NameServer:
    """Stands in for the system's resolver: hands out `answers` in turn, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host, port, *arguments, **options):
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        lines = []
        for text in addresses:
            six = ":" in text
            family = socket.AF_INET6 if six else socket.AF_INET
            end = (text, port, 0, 0) if six else (text, port)
            lines.append((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", end))
        return lines


@pytest.fixture
def names(monkeypatch):
    """`names([...], [...])`: what the name server says at the first look-up, at the second..."""

    def install(*answers):
        server = NameServer(*answers)
        monkeypatch.setattr(socket, "getaddrinfo", server)
        return server

    return install


@pytest.fixture(autouse=True)
def real_use(settings, authority):
    """As in production, but partners may be on loopback, and the test's CA is known."""
    settings.ALLOW_PLAIN_HTTP_ENDPOINTS = False
    settings.PRIVATE_ENDPOINT_NETWORKS = [ipaddress.ip_network("127.0.0.1/32")]
    settings.OUTBOUND_CA_FILE = authority.files[0]


def call(port, host=NAME, client=None, timeout_s=5.0):
    address = Address(f"https://{host}:{port}/rep/", "secret-1")
    return (client or NativeClient()).send(address, MESSAGE, timeout_s)


def refusal(port, **options):
    with pytest.raises(NoAnswer) as caught:
        call(port, **options)
    assert caught.value.trouble == "receiver_not_connected"
    return caught.value.detail


def test_a_platform_with_a_good_certificate_is_called_over_tls_1_3(names, served):
    names(["127.0.0.1"])
    with tls_platform(served) as platform:
        assert call(platform.port).status == 200
        with outward.open_socket(NAME, platform.port, tls=True, ends=time.monotonic() + 5) as sock:
            assert sock.version() == "TLSv1.3"


def test_a_platform_that_only_speaks_tls_1_2_is_refused_unless_a_setting_takes_it(
    names, served, settings
):
    names(["127.0.0.1"])
    with tls_platform(served, newest=ssl.TLSVersion.TLSv1_2) as platform:
        assert "TLS" in refusal(platform.port)
        assert platform.heard == 0
        settings.OUTBOUND_TLS_MINIMUM = "1.2"
        assert call(platform.port).status == 200


def test_a_certificate_for_another_name_is_refused(names, folder, authority):
    names(["127.0.0.1"])
    with tls_platform(issue(folder, "other.example", authority)) as platform:
        assert "certificate" in refusal(platform.port)
        assert platform.heard == 0


def test_the_name_is_verified_and_not_the_address(names, served):
    names(["127.0.0.1"])
    with tls_platform(served) as platform:
        assert "certificate" in refusal(platform.port, host="127.0.0.1")


def test_a_certificate_that_signed_itself_is_refused(names, folder):
    names(["127.0.0.1"])
    with tls_platform(issue(folder, NAME, days=31)) as platform:
        assert "certificate" in refusal(platform.port)
        assert platform.heard == 0


def test_an_expired_certificate_is_refused(names, folder, authority):
    names(["127.0.0.1"])
    with tls_platform(issue(folder, NAME, authority, days=-1)) as platform:
        assert "expired" in refusal(platform.port)


def test_without_the_extra_authority_its_certificates_are_refused(names, served, settings):
    names(["127.0.0.1"])
    settings.OUTBOUND_CA_FILE = ""
    with tls_platform(served) as platform:
        assert "certificate" in refusal(platform.port)


def test_the_clearing_house_presents_its_own_certificate(
    names, served, folder, authority, settings
):
    names(["127.0.0.1"])
    own = issue(folder, "hub.example", authority)
    with tls_platform(served, asks_of=authority) as platform:
        refusal(platform.port)
        settings.OUTBOUND_CLIENT_CERTIFICATE_FILE, settings.OUTBOUND_CLIENT_KEY_FILE = own.files
        assert call(platform.port).status == 200
        assert platform.peer == own.certificate.public_bytes(serialization.Encoding.DER)


def test_a_renewed_file_is_read_without_a_restart(folder, authority, settings):
    before = outward.tls_context()
    assert outward.tls_context() is before
    path = Path(authority.files[0])
    path.write_bytes(path.read_bytes())
    import os

    os.utime(path, ns=(1, 1))
    assert outward.tls_context() is not before


def test_an_endpoint_without_tls_is_not_called_at_all(names):
    resolver = names(["127.0.0.1"])
    with pytest.raises(NoAnswer) as caught:
        NativeClient().send(Address(f"http://{NAME}:9/", "secret-1"), MESSAGE, 2)
    assert caught.value.trouble == "receiver_not_connected"
    assert resolver.asked == []


INSIDE = [
    "127.0.0.2", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "0.0.0.0", "192.0.0.192", "168.63.129.16", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fec0::1", "fd00:ec2::254", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:9.9.9.9", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
    "2002:7f00:1::1", "2001:0:7f00:1::", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_not_connected_to(names, monkeypatch, address):
    names([address])
    connected = []
    monkeypatch.setattr(socket.socket, "connect", lambda sock, to: connected.append(to))
    assert "public" in refusal(443)
    assert connected == []


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_that_was_registered_as_such_is_not_connected_to(monkeypatch, address):
    connected = []
    monkeypatch.setattr(socket.socket, "connect", lambda sock, to: connected.append(to))
    refusal(443, host=f"[{address}]" if ":" in address else address)
    assert connected == []


@pytest.mark.parametrize("host", ["0x7f000002", "2130706434", "127.2", "0177.0.0.2"])
def test_odd_spellings_of_an_inside_address_are_resolved_and_then_refused(monkeypatch, host):
    connected = []
    monkeypatch.setattr(socket.socket, "connect", lambda sock, to: connected.append(to))
    refusal(443, host=host)
    assert connected == []


def test_a_name_cannot_lead_elsewhere_between_check_and_connection(names, served, monkeypatch):
    """DNS rebinding: the second answer would be an inside address; there is no second look-up."""
    resolver = names(["127.0.0.1"], ["127.0.0.2"])
    with tls_platform(served) as platform, tls_platform(served, host="127.0.0.2") as inside:
        assert call(platform.port).status == 200
        assert resolver.asked == [NAME]
        assert "public" in refusal(inside.port)
        assert inside.heard == 0


def test_of_several_addresses_only_those_that_may_be_called_are_tried(names, served):
    names(["10.0.0.1", "::1", "127.0.0.1"])
    with tls_platform(served) as platform:
        began = time.monotonic()
        assert call(platform.port).status == 200
        assert time.monotonic() - began < 2


def test_an_address_that_refuses_is_followed_by_the_next(names, served, settings):
    settings.PRIVATE_ENDPOINT_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    names(["127.0.0.3", "127.0.0.1"])
    with tls_platform(served) as platform:
        assert call(platform.port).status == 200


def test_a_slow_name_server_counts_towards_the_deadline(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: time.sleep(2) or [])
    began = time.monotonic()
    with pytest.raises(NoAnswer) as caught:
        call(443, timeout_s=0.3)
    assert caught.value.trouble == "receiver_timed_out"
    assert time.monotonic() - began < 1


def test_a_peer_that_never_shakes_hands_is_cut_off(names):
    names(["127.0.0.1"])
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(NoAnswer) as caught:
            call(mute.getsockname()[1], timeout_s=0.3)
    assert caught.value.trouble == "receiver_timed_out"


def test_a_proxy_of_the_environment_is_not_asked(names, served, monkeypatch):
    names(["127.0.0.1"])
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with tls_platform(served) as platform:
        assert call(platform.port).status == 200


def test_a_redirect_is_an_answer_and_not_followed(names, served):
    names(["127.0.0.1"])
    says = (
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://127.0.0.1:1/\r\n"
        b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    )
    with tls_platform(served, says=says) as platform:
        assert call(platform.port).status == 307
        assert platform.heard == 1


def test_the_checks_see_what_would_call_unverified(settings, monkeypatch):
    assert platforms_are_called_over_verified_tls() == []
    settings.OUTBOUND_CA_FILE = "/nowhere.pem"
    assert [e.id for e in platforms_are_called_over_verified_tls()] == ["clearinghouse.E020"]
    careless = ssl.create_default_context()
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    monkeypatch.setattr("clearinghouse.edge_checks.tls_context", lambda: careless)
    assert "clearinghouse.E021" in [e.id for e in platforms_are_called_over_verified_tls()]


def test_the_checks_see_networks_that_are_too_wide(settings):
    assert len(private_networks_are_named_narrowly()) == 1  # the test's own loopback
    settings.PRIVATE_ENDPOINT_NETWORKS = [ipaddress.ip_network("10.20.0.0/16")]
    assert private_networks_are_named_narrowly() == []
    settings.PRIVATE_ENDPOINT_NETWORKS = [ipaddress.ip_network("0.0.0.0/0")]
    assert len(private_networks_are_named_narrowly()) == 1
