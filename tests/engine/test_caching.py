"""The response cache: its key, what it keeps and for how long, and a file that nothing can be expected of."""

from __future__ import annotations

import asyncio
import math
import os
import pickle
import sqlite3
import stat
import threading
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.deck import Candidate, Constraints, Costs, ModelSpec
from pipelex_like.engine.cache_text import read, written
from pipelex_like.engine.caching import ResponseCache, request_key
from pipelex_like.types import (
    DocumentPart,
    EndPiece,
    ExtractJob,
    ExtractReply,
    FrozenDict,
    Image,
    ImageJob,
    ImagePart,
    ImageReply,
    LlmJob,
    LlmReply,
    Media,
    Message,
    ObjectSchema,
    OpaquePart,
    Page,
    ReasoningPart,
    ReasoningPiece,
    TextPart,
    TextPiece,
    Tool,
    ToolCall,
    ToolCallPart,
    ToolCallPiece,
    ToolResultPart,
    Usage,
    replay,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelex_like.types import Job

KEY = "k"
SPEC = ModelSpec(backend="acme", handle="m", sdk="openai", model_id="m-1", kind="llm")
CANDIDATE = Candidate(handle="m", backend="acme", model_id="m-1", sdk="openai", spec=SPEC)
PNG = Media(mime="image/png", data=b"\x89PNG", name="a.png")
JOB = LlmJob(
    messages=(
        Message("system", (TextPart("Be brief."),)),
        Message(
            "user", (TextPart("Hello"), ImagePart(PNG), DocumentPart(Media(mime="application/pdf", url="https://x")))
        ),
        Message(
            "assistant", (ReasoningPart("Hm"), ToolCallPart(ToolCall(id="1", name="f", arguments=FrozenDict(a=1))))
        ),
        Message("tool", (ToolResultPart(call_id="1", text="done"),)),
    ),
    tools=(Tool(name="f"),),
    schema=ObjectSchema(name="S", schema=FrozenDict(type="object")),
    settings=FrozenDict(temperature=0.5, max_tokens=10),
)
TEXT = LlmReply(
    text="Hi \ud83d\ude00 \u2028",
    tool_calls=(ToolCall(id="1", name="f", arguments=FrozenDict({"a": (1, 2.5, None, True)}), raw='{"a":1}'),),
    reasoning="because",
    opaque=(
        OpaquePart(backend="acme", data=FrozenDict({"sig": b"\x00\xff", "n": Decimal("1.50"), "l": [1, {"x": "y"}]})),
    ),
    usage=Usage(input_tokens=3, output_tokens=2**70, estimated=True),
    finish_reason="tool_calls",
    provider_request_id="r-1",
    adapted=("temperature left out",),
)
IMAGE = Image(data=bytes(range(256)), mime="image/png", width=3, height=4, caption="it")
PAGES = ExtractReply(pages=(Page(number=1, text="one", images=(IMAGE,), page_image=IMAGE), Page(number=2, text="")))
IMAGES = ImageReply(images=(IMAGE,), usage=Usage(images=1), seed=7)


class Clock:
    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cache.sqlite"


@pytest.fixture(params=["memory", "file"])
def cache(request: pytest.FixtureRequest, path: Path, clock: Clock) -> Iterator[ResponseCache]:
    cache = ResponseCache(path=path if request.param == "file" else None, max_entries=3, ttl=100, now=clock)
    yield cache
    cache.close()


@pytest.fixture
def filed(path: Path, clock: Clock) -> Iterator[ResponseCache]:
    cache = ResponseCache(path=path, max_entries=3, ttl=None, now=clock)
    yield cache
    cache.close()


def key_of(job: Job = JOB, candidate: Candidate = CANDIDATE, fingerprint: str = "f") -> str | None:
    return request_key(kind="llm", candidate=candidate, fingerprint=fingerprint, job=job)


def texts(*parts: str) -> LlmJob:
    return LlmJob(messages=(Message("user", tuple(TextPart(part) for part in parts)),))


def test_an_equal_request_has_the_same_key_whatever_the_order_of_its_settings() -> None:
    again = replace(JOB, settings=FrozenDict(max_tokens=10, temperature=0.5))
    assert key_of(pickle.loads(pickle.dumps(again))) == key_of()
    assert len(key_of() or "") == 64


OTHERS: dict[str, Job] = {
    "a setting": replace(JOB, settings=FrozenDict(temperature=0.5, max_tokens=11)),
    "a setting of another type": replace(JOB, settings=FrozenDict(temperature=0.5, max_tokens=10.0)),
    "no schema": replace(JOB, schema=None),
    "the order in the schema": replace(JOB, schema=ObjectSchema(name="S", schema=FrozenDict(a=1, type="object"))),
    "the other order": replace(JOB, schema=ObjectSchema(name="S", schema=FrozenDict({"type": "object", "a": 1}))),
    "a tool": replace(JOB, tools=(Tool(name="g"),)),
    "the words of a tool": replace(JOB, tools=(Tool(name="f", description="it does"),)),
    "a text in two parts": texts("ab", "c"),
    "the same cut elsewhere": texts("a", "bc"),
    "the same whole": texts("abc"),
    "the text marked": LlmJob(messages=(Message("user", (TextPart("abc", cache=True),)),)),
    "another role": LlmJob(messages=(Message("assistant", (TextPart("abc"),)),)),
    "reasoning": LlmJob(messages=(Message("user", (ReasoningPart("abc"),)),)),
    "two messages": LlmJob(messages=(Message("user", (TextPart("ab"),)), Message("user", (TextPart("c"),)))),
    "a picture": LlmJob(messages=(Message("user", (ImagePart(PNG),)),)),
    "other bytes": LlmJob(messages=(Message("user", (ImagePart(replace(PNG, data=b"\x89PNH")),)),)),
    "its URL": LlmJob(messages=(Message("user", (ImagePart(Media(mime="image/png", url="https://a")),)),)),
    "more detail": LlmJob(messages=(Message("user", (ImagePart(PNG, detail="high"),)),)),
    "a document": LlmJob(messages=(Message("user", (DocumentPart(PNG),)),)),
    "lone surrogates": texts("\ud83d\ude00"),
    "the character they make": texts("😀"),
    "what was left opaque": LlmJob(messages=(Message("assistant", (OpaquePart(backend="a"),)),)),
    "an extraction": ExtractJob(document=PNG),
    "its pages": ExtractJob(document=PNG, pages=(1, 2)),
    "another page": ExtractJob(document=PNG, pages=(12,)),
    "pictures": ImageJob(prompt="abc"),
    "two of them": ImageJob(prompt="abc", n=2),
    "from one": ImageJob(prompt="abc", images=(PNG,)),
    "from a setting": ImageJob(prompt="abc", settings=FrozenDict(seed=1)),
}


def test_another_job_has_another_key() -> None:
    keys = [key_of(), *(key_of(job) for job in OTHERS.values())]
    assert None not in keys
    assert len({*keys}) == len(keys)


def test_another_place_or_credential_has_another_key() -> None:
    candidates = [
        CANDIDATE,
        replace(CANDIDATE, backend="other"),
        replace(CANDIDATE, model_id="m-2"),
        replace(CANDIDATE, sdk="mistral"),
        replace(CANDIDATE, via="gateway"),
        replace(CANDIDATE, spec=replace(SPEC, headers=FrozenDict(route="b"))),
        replace(CANDIDATE, spec=replace(SPEC, thinking_mode="manual")),
        replace(CANDIDATE, spec=replace(SPEC, constraints=Constraints(unsupported=frozenset({"a", "b"})))),
    ]
    keys = [key_of(candidate=candidate) for candidate in candidates]
    keys += [key_of(fingerprint="g"), request_key(kind="extract", candidate=CANDIDATE, fingerprint="f", job=JOB)]
    assert None not in keys
    assert len({*keys}) == len(keys)


def test_a_new_price_leaves_the_key_as_it_was() -> None:
    dearer = replace(SPEC, costs=Costs(tokens=FrozenDict(input=Decimal(3))), price_checked="2026-11-01")
    assert key_of(candidate=replace(CANDIDATE, spec=dearer)) == key_of()


def test_what_cannot_be_shared_has_no_key() -> None:
    assert key_of(ImageJob(prompt="abc", resume="job-1")) is None
    assert key_of(replace(JOB, settings=FrozenDict(odd=object()))) is None


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner).map(tuple) | st.lists(inner) | st.dictionaries(st.text(), inner).map(FrozenDict),
    max_leaves=8,
)
jobs = st.builds(
    LlmJob,
    messages=st.lists(
        st.builds(
            Message,
            st.sampled_from(["user", "assistant"]),
            st.lists(st.builds(TextPart, st.text(alphabet='ab",[]:\\0'), st.booleans())).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    settings=st.dictionaries(st.text(alphabet='ab",[]'), plain, max_size=2).map(FrozenDict),
)


@given(jobs, jobs)
def test_keys_are_equal_only_for_equal_jobs(one: LlmJob, other: LlmJob) -> None:
    assert key_of(one) == key_of(pickle.loads(pickle.dumps(one)))
    if one != other:
        assert key_of(one) != key_of(other)


@given(plain, st.text(st.characters()))
def test_any_reply_comes_back_as_it_was_written(value: object, text: str) -> None:
    reply = LlmReply(text=text, opaque=(OpaquePart(backend="a", data=FrozenDict({"value": value})),))
    again = read(written(reply))
    assert again == reply
    assert written(again) == written(reply)


async def test_replies_of_each_kind_come_back_as_they_were(cache: ResponseCache) -> None:
    for key, reply in {"t": TEXT, "p": PAGES, "i": IMAGES}.items():
        await cache.put(key, reply)
        again = await cache.get(key, most_age=math.inf)
        assert again == reply
    text = await cache.get("t", most_age=math.inf)
    assert isinstance(text, LlmReply)
    assert isinstance(text.opaque[0].data, FrozenDict)
    assert type(text.opaque[0].data["sig"]) is bytes
    assert str(text.opaque[0].data["n"]) == "1.50"


async def test_an_entry_is_found_until_it_is_as_old_as_asked_for(cache: ResponseCache, clock: Clock) -> None:
    await cache.put(KEY, TEXT)
    clock.time += 50
    assert await cache.get(KEY, most_age=51) == TEXT
    assert await cache.get(KEY, most_age=50) is None
    assert await cache.get("other", most_age=math.inf) is None
    clock.time += 49.5
    assert await cache.get(KEY, most_age=math.inf) == TEXT
    clock.time += 0.5
    assert await cache.get(KEY, most_age=math.inf) is None


async def test_an_entry_from_the_future_is_not_believed(cache: ResponseCache, clock: Clock) -> None:
    await cache.put(KEY, TEXT)
    clock.time -= 1000
    assert await cache.get(KEY, most_age=math.inf) is None
    await cache.put(KEY, PAGES)
    assert await cache.get(KEY, most_age=math.inf) == PAGES


async def test_a_newer_reply_takes_the_place_and_the_age(cache: ResponseCache, clock: Clock) -> None:
    await cache.put(KEY, TEXT)
    clock.time += 60
    await cache.put(KEY, PAGES)
    clock.time += 60
    assert await cache.get(KEY, most_age=math.inf) == PAGES


async def test_only_so_many_entries_are_kept(cache: ResponseCache) -> None:
    for number in range(10):
        await cache.put(str(number), TEXT)
    found = [number for number in range(10) if await cache.get(str(number), most_age=math.inf)]
    assert found == [7, 8, 9]


@pytest.mark.parametrize("reason", ["length", "content_filter", "other"])
async def test_an_answer_that_is_not_whole_is_not_kept(cache: ResponseCache, reason: str) -> None:
    await cache.put(KEY, replace(TEXT, finish_reason=reason))  # pyright: ignore
    assert await cache.get(KEY, most_age=math.inf) is None


async def test_a_closed_cache_finds_and_keeps_nothing(cache: ResponseCache) -> None:
    await cache.put(KEY, TEXT)
    cache.close()
    cache.close()
    await cache.put(KEY, TEXT)
    assert await cache.get(KEY, most_age=math.inf) is None


def test_no_entries_at_all_is_no_cache() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ResponseCache(path=None, max_entries=0, ttl=None, now=Clock())


def test_many_threads_and_loops_use_it_at_once(cache: ResponseCache) -> None:
    faults = list[str]()

    async def use(mark: str) -> None:
        reply = replace(TEXT, text=mark)
        for _ in range(20):
            await cache.put(mark, reply)
            found = await cache.get(mark, most_age=math.inf)
            if found not in (None, reply):
                faults.append(mark)

    threads = [threading.Thread(target=lambda mark=str(n): asyncio.run(use(mark))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


async def test_a_file_outlives_the_process_and_is_for_its_owner_only(
    filed: ResponseCache, path: Path, clock: Clock
) -> None:
    await filed.put(KEY, IMAGES)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes
    assert {*modes.values()} == {0o600}
    filed.close()
    other = ResponseCache(path=path, max_entries=3, ttl=None, now=clock)
    assert await other.get(KEY, most_age=math.inf) == IMAGES
    other.close()


async def test_nothing_is_opened_before_the_first_request(path: Path, clock: Clock) -> None:
    cache = ResponseCache(path=path, max_entries=3, ttl=None, now=clock)
    assert not path.parent.exists()
    assert await cache.get(KEY, most_age=math.inf) is None
    assert path.exists()
    cache.close()


async def test_what_is_too_old_leaves_the_file(path: Path, clock: Clock) -> None:
    cache = ResponseCache(path=path, max_entries=3, ttl=10, now=clock)
    await cache.put("old", TEXT)
    clock.time += 10
    await cache.put("new", TEXT)
    assert rows(path, "SELECT key FROM replies") == [("new",)]
    cache.close()


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    file = sqlite3.connect(path, isolation_level=None)
    try:
        return file.execute(query).fetchall()
    finally:
        file.close()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "pipelex_like"]


def write_garbage(path: Path) -> None:
    path.write_bytes(b"this is no database at all, but a letter" * 100)


def write_foreign(path: Path) -> None:
    rows(path, "CREATE TABLE letters (text)")


def write_newer(path: Path) -> None:
    rows(path, "PRAGMA application_id = 1886155875")
    rows(path, "PRAGMA user_version = 99")


def make_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("write", [write_garbage, write_foreign, write_newer, make_folder])
async def test_a_file_that_is_not_ours_is_left_alone_and_told_of_once(
    filed: ResponseCache, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture, write: object
) -> None:
    path.parent.mkdir()
    write(path)  # pyright: ignore
    before = path.read_bytes() if path.is_file() else b""
    for _ in range(3):
        await filed.put(KEY, TEXT)
        assert await filed.get(KEY, most_age=math.inf) is None
        clock.time += 60
    [message] = warnings(caplog)
    assert str(path) in message
    assert "is not used for now" in message
    assert (path.read_bytes() if path.is_file() else b"") == before


async def test_once_the_bad_file_is_gone_the_cache_works_again(
    filed: ResponseCache, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    write_foreign(path)
    await filed.put(KEY, TEXT)
    path.unlink()
    await filed.put(KEY, TEXT)
    assert not path.exists()
    clock.time += 10
    await filed.put(KEY, TEXT)
    assert await filed.get(KEY, most_age=math.inf) == TEXT
    assert len(warnings(caplog)) == 1


async def test_a_locked_file_costs_a_moment_once_and_reading_goes_on(
    filed: ResponseCache, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await filed.put(KEY, TEXT)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert await filed.get(KEY, most_age=math.inf) == TEXT
    begun = asyncio.get_running_loop().time()
    await asyncio.gather(*(filed.put(str(number), TEXT) for number in range(20)))
    assert asyncio.get_running_loop().time() - begun < 2
    assert await filed.get(KEY, most_age=math.inf) is None
    other.execute("ROLLBACK")
    other.close()
    clock.time += 10
    assert await filed.get(KEY, most_age=math.inf) == TEXT
    [message] = warnings(caplog)
    assert "locked" in message


async def test_a_damaged_entry_is_passed_over_and_written_anew(
    filed: ResponseCache, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await filed.put(KEY, TEXT)
    await filed.put("l", TEXT)
    rows(path, "UPDATE replies SET reply = CAST(replace(CAST(reply AS TEXT), 'because', 'becausf') AS BLOB)")
    assert await filed.get(KEY, most_age=math.inf) is None
    assert await filed.get("l", most_age=math.inf) is None
    rows(path, "UPDATE replies SET at = 'soon', digest = 5")
    assert await filed.get(KEY, most_age=math.inf) is None
    [message] = warnings(caplog)
    assert "damaged" in message
    await filed.put(KEY, TEXT)
    assert await filed.get(KEY, most_age=math.inf) == TEXT


async def test_a_damaged_file_never_breaks_a_call(filed: ResponseCache, path: Path, clock: Clock) -> None:
    await filed.put(KEY, IMAGES)
    filed.close()
    whole = path.read_bytes()
    for start in range(0, len(whole), 1500):
        path.write_bytes(whole[:start] + b"\xa5" * 700 + whole[start + 700 :])
        cache = ResponseCache(path=path, max_entries=3, ttl=None, now=clock)
        assert await cache.get(KEY, most_age=math.inf) in (None, IMAGES)
        await cache.put(KEY, TEXT)
        assert await cache.get(KEY, most_age=math.inf) in (None, TEXT)
        cache.close()


HOSTILE = [
    pickle.dumps(TEXT),
    b"5",
    b'{"text": "x"}',
    b'["object","LlmReply"]',
    b'["object","LlmReply",{"nothing":1}]',
    b'["object","system",{}]',
    b'["object",["object"],{}]',
    b'["object","Usage",{}]',
    b'["bytes",5]',
    b'["bytes","not base64"]',
    b'["decimal","many"]',
    b'["decimal",["tuple"]]',
    b'["dict",["one"]]',
    b'["dict",[["list"],1]]',
    b'["set",["list"]]',
    b'["what"]',
    b"[]",
    b"[" * 100_000,
    b'["tuple",' * 900 + b"1" + b"]" * 900,
    b"\xff\xfe",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_only_replies_can_be_read(text: bytes) -> None:
    with pytest.raises(ValueError):
        read(text)


async def test_a_reply_that_cannot_be_written_is_not_kept(
    filed: ResponseCache, caplog: pytest.LogCaptureFixture
) -> None:
    await filed.put(KEY, replace(TEXT, opaque=(OpaquePart(backend="a", data=FrozenDict(odd=object())),)))
    assert await filed.get(KEY, most_age=math.inf) is None
    assert "cannot keep a reply: a value of object cannot be written" in warnings(caplog)[0]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_shares_the_file_but_not_the_connection(path: Path, clock: Clock) -> None:
    filed = ResponseCache(path=path, max_entries=3, ttl=None, now=clock)
    asyncio.run(filed.put(KEY, TEXT))
    child = os.fork()
    if not child:
        found = asyncio.run(filed.get(KEY, most_age=math.inf)) == TEXT
        asyncio.run(filed.put("child", TEXT))
        filed.close()
        os._exit(0 if found else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert asyncio.run(filed.get("child", most_age=math.inf)) == TEXT
    filed.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
async def test_eight_processes_may_begin_with_the_file_at_once(path: Path, clock: Clock) -> None:
    go, begin = os.pipe()
    children = list[int]()
    for number in range(8):
        child = os.fork()
        if not child:
            os.close(begin)
            os.read(go, 1)
            os._exit(_shelve(path, clock, number))
        children.append(child)
    os.close(begin)
    os.close(go)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 8
    assert len(rows(path, "SELECT key FROM replies")) == 8


def _shelve(path: Path, clock: Clock, number: int) -> int:
    from pipelex_like.engine.cache_file import FileShelf

    shelf = FileShelf(path, max_entries=100, ttl=math.inf, now=clock)
    shelf.put(str(number), TEXT)
    found = shelf.get(str(number), math.inf)
    shelf.close()
    return 0 if found == TEXT else 1


def test_a_kept_reply_is_replayed_as_a_stream() -> None:
    assert replay(TEXT) == [
        ReasoningPiece("because"),
        TextPiece(TEXT.text),
        ToolCallPiece(TEXT.tool_calls[0]),
        EndPiece(TEXT),
    ]
    assert replay(LlmReply()) == [EndPiece(LlmReply())]
