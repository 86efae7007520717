from __future__ import annotations

import os
import select
import socket
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
from sandbox.raw import chat, connect, http_bytes, port_of, read_all, read_until, send

from pipelex_like.sandbox import Sandbox


def test_thirty_lives_leave_no_thread_and_no_port() -> None:
    threads = threading.active_count()
    for _ in range(30):
        with Sandbox() as running:
            link = connect(running)
            link.sendall(http_bytes(running, chat(stream=True, model="fault-stall-2")))
            read_until(link, b"Simul")
        assert read_all(link)[-1:] in (b"", b"\n")
        link.close()
        with pytest.raises(OSError, match="refused"):
            connect(running)
    assert threading.active_count() == threads


def test_one_sandbox_can_live_twice_and_close_twice() -> None:
    sandbox = Sandbox(api_key="mine")
    with pytest.raises(RuntimeError, match="start"):
        _ = sandbox.url
    for _ in range(2):
        assert sandbox.start() is sandbox.start()
        assert send(sandbox, chat(), key="mine").status == 200
        sandbox.close()
        sandbox.close()


def test_the_key_is_random_and_in_no_repr() -> None:
    one, other = Sandbox(), Sandbox()
    assert one.api_key != other.api_key
    assert one.api_key not in repr(one)


def test_a_taken_port_is_told_kindly(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="Choose another port"):
        Sandbox(port=port_of(sandbox)).start()


def test_two_hundred_clients_at_once(sandbox: Sandbox) -> None:
    stream, plain = http_bytes(sandbox, chat(stream=True)), http_bytes(sandbox, chat())
    links = [connect(sandbox) for _ in range(200)]
    for at, link in enumerate(links):
        link.sendall(stream if at % 2 else plain)
    for at, link in enumerate(links):
        assert read_until(link, b"0\r\n\r\n" if at % 2 else b'"total_tokens"').startswith(b"HTTP/1.1 200")
    assert sandbox.open_connections == 200
    for link in links:
        link.close()


def test_eight_threads_get_their_own_answers(sandbox: Sandbox) -> None:
    def ask(number: int) -> bool:
        prompt = f"question {number}"
        return prompt in send(sandbox, chat(prompt)).json["choices"][0]["message"]["content"]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(80)))
    assert len(sandbox.requests) == 80


def test_a_client_that_leaves_is_noticed(sandbox: Sandbox) -> None:
    with connect(sandbox) as link:
        link.sendall(http_bytes(sandbox, chat(stream=True, model="fault-stall-2")))
        read_until(link, b"Simul")
        assert sandbox.abandoned == 0
    while sandbox.open_connections:
        send(sandbox, method="GET", path="/health")
    assert sandbox.abandoned == 1


def test_a_client_that_reads_slowly_holds_the_sandbox_back(sandbox: Sandbox) -> None:
    with socket.socket() as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.settimeout(10)
        link.connect(("127.0.0.1", port_of(sandbox)))
        link.sendall(http_bytes(sandbox, chat(model="fault-huge-200")))
        read_until(link, b"200 OK")
        tracemalloc.start()
        for _ in range(300):
            assert send(sandbox, method="GET", path="/health").status == 200
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert held < 8 * 1024 * 1024


def test_a_slow_reader_gets_everything_in_the_end(sandbox: Sandbox) -> None:
    with connect(sandbox) as link:
        link.sendall(http_bytes(sandbox, chat(model="fault-huge-20"), headers={"connection": "close"}))
        for _ in range(100):
            send(sandbox, method="GET", path="/health")
        assert len(read_all(link)) > 20 * 1024 * 1024


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_closing_in_a_forked_child_leaves_the_parents_sandbox_alone(sandbox: Sandbox) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        sandbox.close()
        os.write(writing, b"closed")
        os._exit(0)
    assert select.select([reading], [], [], 10)[0]
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    assert send(sandbox, chat()).status == 200
