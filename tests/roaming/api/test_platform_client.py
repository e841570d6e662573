"""The native client against raw sockets: what peers do on the wire, and what it calls that."""

import contextlib
import os
import socket
import threading
import time
from dataclasses import dataclass, field

import pytest

from roaming.api import connections
from roaming.api.platform_client import MAX_ANSWER_BYTES, NativeClient
from roaming.ports import Address, NoAnswer, OutgoingMessage

MESSAGE = OutgoingMessage("UC3-1", "uc3-1/local-start", b'{"a": 1}', "m-1", "c-1")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Peer:
    """A listening socket; `answer(sock, request)` is called for each request it reads."""

    answer: object
    address: Address = field(default_factory=lambda: Address("", ""))
    connections: list[int] = field(default_factory=list)
    requests: list[tuple[int, bytes]] = field(default_factory=list)


@contextlib.contextmanager
def raw_peer(answer):
    peer = Peer(answer)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        peer.address = Address(f"http://127.0.0.1:{server.getsockname()[1]}/rep/", "secret-1")

        def talk(sock, number):
            with sock, contextlib.suppress(OSError):
                while data := sock.recv(65_536):
                    peer.requests.append((number, data))
                    if peer.answer(sock, data) == "hang up":
                        return

        def accept():
            while True:
                try:
                    sock, _ = server.accept()
                except OSError:
                    return
                peer.connections.append(len(peer.connections))
                threading.Thread(
                    target=talk, args=(sock, peer.connections[-1]), daemon=True
                ).start()

        threading.Thread(target=accept, daemon=True).start()
        yield peer
        server.shutdown(socket.SHUT_RDWR)


def says(*parts):
    def answer(sock, request):
        for part in parts:
            sock.sendall(part)

    return answer


def then_hangs_up(*parts):
    def answer(sock, request):
        says(*parts)(sock, request)
        return "hang up"

    return answer


def trouble(peer, timeout_s=2.0, client=None):
    with pytest.raises(NoAnswer) as caught:
        (client or NativeClient()).send(peer.address, MESSAGE, timeout_s)
    return caught.value.trouble


def test_the_request_is_whole_and_carries_the_ids():
    with raw_peer(says(OK)) as peer:
        answer = NativeClient().send(peer.address, MESSAGE, 2)
    assert (answer.status, answer.body) == (200, b"{}")
    head, _, body = peer.requests[0][1].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /rep/uc3-1/local-start HTTP/1.1"
    assert "Authorization: Bearer secret-1" in lines
    assert "X-Message-ID: m-1" in lines
    assert "X-Correlation-ID: c-1" in lines
    assert f"Content-Length: {len(body)}" in lines


def test_a_connection_is_kept_and_the_last_one_used_is_used_again():
    client = NativeClient()
    gate = threading.Barrier(2)

    def both(sock, request):
        gate.wait(5)
        sock.sendall(OK)

    with raw_peer(both) as peer:
        threads = [
            threading.Thread(target=client.send, args=(peer.address, MESSAGE, 5)) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(peer.connections) == 2
        peer.answer = says(OK)
        for _ in range(5):
            client.send(peer.address, MESSAGE, 2)
        assert len(peer.connections) == 2
        assert len({number for number, _ in peer.requests[2:]}) == 1


def test_a_forked_process_begins_with_connections_of_its_own():
    client = NativeClient()
    with raw_peer(says(OK)) as peer:
        client.send(peer.address, MESSAGE, 2)
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                client.send(peer.address, MESSAGE, 2)
            os._exit(0)
        os.waitpid(child, 0)
        client.send(peer.address, MESSAGE, 2)
        assert [number for number, _ in peer.requests] == [0, 1, 0]


def test_an_answer_in_chunks_or_until_the_end_is_read_whole():
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    client = NativeClient()
    with raw_peer(says(chunked)) as peer:
        assert client.send(peer.address, MESSAGE, 2).body == b"{}"
        assert client.send(peer.address, MESSAGE, 2).body == b"{}"
        assert len(peer.connections) == 1
    with raw_peer(then_hangs_up(b"HTTP/1.0 200 OK\r\n\r\n{}")) as peer:
        assert client.send(peer.address, MESSAGE, 2).body == b"{}"


def test_a_peer_that_hung_up_meanwhile_is_asked_on_a_new_connection():
    client = NativeClient()
    with raw_peer(then_hangs_up(OK)) as peer:
        client.send(peer.address, MESSAGE, 2)
        time.sleep(0.05)
        client.send(peer.address, MESSAGE, 2)
        assert len(peer.connections) == 2


def test_a_peer_that_hangs_up_on_a_kept_connection_as_we_send_is_asked_once_more():
    client = NativeClient()
    with raw_peer(says(OK)) as peer:
        client.send(peer.address, MESSAGE, 2)
        peer.answer = lambda sock, request: (
            "hang up" if len(peer.connections) == 1 else says(OK)(sock, request)
        )
        assert client.send(peer.address, MESSAGE, 2).status == 200
        assert len(peer.connections) == 2
        assert len(peer.requests) == 3


def test_a_peer_that_hangs_up_on_a_new_connection_is_not_asked_again():
    with raw_peer(then_hangs_up()) as peer:
        assert trouble(peer) == "receiver_not_connected"
        assert len(peer.requests) == 1


@pytest.mark.parametrize(
    "said",
    [
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * (MAX_ANSWER_BYTES + 1),
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_or_too_much_is_rubbish(said):
    with raw_peer(then_hangs_up(said)) as peer:
        assert trouble(peer) == "receiver_answered_rubbish"


def test_half_an_answer_is_none():
    with raw_peer(then_hangs_up(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")) as peer:
        assert trouble(peer) == "receiver_not_connected"


def test_after_trouble_the_connection_is_not_used_again():
    client = NativeClient()
    with raw_peer(lambda sock, request: None) as peer:
        assert trouble(peer, 0.2, client) == "receiver_timed_out"
        peer.answer = says(OK)
        assert client.send(peer.address, MESSAGE, 2).status == 200
        assert len(peer.connections) == 2


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_peer_that_feeds_drop_by_drop_is_cut_off(where):
    def drip(sock, request):
        if where == "body":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
        for _ in range(40):
            sock.sendall(b"H")
            time.sleep(0.1)

    with raw_peer(drip) as peer:
        began = time.monotonic()
        assert trouble(peer, 0.5) == "receiver_timed_out"
        assert time.monotonic() - began < 2


def test_a_peer_that_does_not_take_the_request_is_cut_off():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        address = Address(f"http://127.0.0.1:{server.getsockname()[1]}", "secret-1")
        large = OutgoingMessage("UC3-9", "uc3-9/sdrs", b"x" * 50_000_000, "m", "c")
        with pytest.raises(NoAnswer) as caught:
            NativeClient().send(address, large, 0.5)
        assert caught.value.trouble == "receiver_timed_out"


@pytest.mark.parametrize(
    "address",
    [
        Address("http://127.0.0.1:1/", "secret-1"),
        Address("ftp://127.0.0.1/", "secret-1"),
        Address("http://127.0.0.1:1/", "secret\r\nX-Admin: yes"),
        Address("http://127.0.0.1:1/with space", "secret-1"),
        Address(f"http://{'a' * 64}.example/", "secret-1"),
    ],
)
def test_what_cannot_be_reached_or_sent_is_not_connected(address):
    with pytest.raises(NoAnswer) as caught:
        NativeClient().send(address, MESSAGE, 2)
    assert caught.value.trouble == "receiver_not_connected"


def test_a_peer_that_speaks_no_tls_is_not_connected():
    with raw_peer(says(OK)) as peer:
        port = connections.peer_of(peer.address.url).port
        secure = Peer(None, Address(f"https://127.0.0.1:{port}/", "secret-1"))
        assert trouble(secure) == "receiver_not_connected"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://platform.example/rep", "platform.example"),
        ("https://platform.example:8443", "platform.example:8443"),
        ("http://[::1]:80/", "[::1]"),
        ("http://[::1]:81/", "[::1]:81"),
    ],
)
def test_the_host_header_names_the_peer(url, name):
    assert connections.peer_of(url).name == name
