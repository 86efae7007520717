from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.workers.translate import TooLargeError
from pipelex_like.workers.transport import EventSplitter, ServerEvent, moment, read_all, read_start

STREAM = (
    b"\xef\xbb\xbf: comment\r\n"
    b"data: one\r\n\r\n"
    b"event: error\ndata:two\ndata: lines\n\n"
    b"id: 7\rdata: carriage\r\r"
    b"\n\n"
    b"data: last\n\n"
    b"data: cut"
)
EVENTS = [
    ServerEvent(b"", b"one"),
    ServerEvent(b"error", b"two\nlines"),
    ServerEvent(b"", b"carriage"),
    ServerEvent(b"", b"last"),
]


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=len(STREAM)))
def test_events_do_not_depend_on_where_packets_end(cuts: list[int]) -> None:
    splitter = EventSplitter(1000)
    places = [0, *sorted(set(cuts)), len(STREAM)]
    found = [event for start, end in pairwise(places) for event in splitter.feed(STREAM[start:end])]
    assert [event for event in found if event.data != b""] == EVENTS
    assert splitter.unfinished


def test_byte_by_byte_gives_the_same() -> None:
    splitter = EventSplitter(1000)
    assert [event for byte in STREAM for event in splitter.feed(bytes([byte]))] == EVENTS


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: " + b"x" * 50],
        [b"data: ", b"x" * 30, b"x" * 30],
        [b"data: " + b"x" * 30 + b"\ndata: " + b"x" * 30 + b"\n\n"],
        [b": " + b"x" * 60],
    ],
)
def test_an_unfinished_event_is_bounded(chunks: list[bytes]) -> None:
    splitter = EventSplitter(40)
    with pytest.raises(TooLargeError):
        for chunk in chunks:
            splitter.feed(chunk)


def test_many_small_events_are_no_large_one() -> None:
    splitter = EventSplitter(40)
    assert sum(len(splitter.feed(b"data: 0123456789\n\n")) for _ in range(100)) == 100


async def of(*chunks: bytes):
    for chunk in chunks:
        yield chunk


async def test_a_body_is_read_up_to_its_limit_and_not_one_byte_more() -> None:
    assert await read_all(of(b"ab", b"cd"), 4) == b"abcd"
    with pytest.raises(TooLargeError):
        await read_all(of(b"ab", b"cde"), 4)
    assert await read_all(of(), 4) == b""
    assert await read_start(of(b"ab", b"cde", b"f"), 4) == b"abcd"


@pytest.mark.parametrize(
    ("wait", "last", "first"),
    [(None, None, None), (5.0, None, 15.0), (None, 12.0, 12.0), (5.0, 12.0, 12.0), (1.0, 12.0, 11.0)],
)
def test_the_earlier_moment_counts(wait: float | None, last: float | None, first: float | None) -> None:
    assert moment(10.0, wait, last) == first
