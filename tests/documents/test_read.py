from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest
from documents.tree import load, the_problem, write
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.documents.read import reason_of

DIR = ".pipelex/inference"
GOOD: dict[str, str | bytes] = {
    "backends.toml": '[openai]\nenabled = true\napi_key = "${OPENAI_API_KEY}"\n',
    "backends/openai.toml": '["gpt-4.1"]\ncosts = { input = 2, output = 8 }\n',
    "routing_profiles.toml": 'active = "a"\n[profiles.a]\ndefault = "openai"\n',
    "deck/base_deck.toml": '[aliases]\nsmart = ["gpt-4.1"]\n',
}

BAD = {
    "bad TOML": (b"a = 1\nb = = 2\n", "bad-toml", 2),
    "bad TOML with CRLF": (b"a = 1\r\nb = = 2\r\n", "bad-toml", 2),
    "a key twice": (b"a = 1\n\na = 2\n", "bad-toml", 3),
    "an open string": (b'a = 1\nb = "x\n', "bad-toml", 2),
    "an end too soon": (b"a = 1\nb = [1,\n", "bad-toml", 2),
    "a half-written last line": (b"a = 1\n[b", "bad-toml", 2),
    "not UTF-8": (b"a = 1\nb = 2\nc = '\xe9'\n", "not-utf-8", 3),
    "UTF-16": ("a = 1\n".encode("utf-16"), "not-utf-8", 1),
    "deep lists": (b"a = 1\nb = " + b"[" * 5000 + b"]" * 5000 + b"\n", "too-deep", 2),
    "deep inline tables": (b"a = 1\nb = " + b"{ a = " * 3000 + b"1" + b"}" * 3000, "too-deep", 2),
    "lists a hundred deep": (b"a = 1\n\nb = " + b"[" * 100 + b"]" * 100 + b"\n", "too-deep", 3),
    "a key of two thousand parts": (b"a = 1\n" + b".".join([b"k"] * 2000) + b" = 1\n", "too-deep", 2),
    "a header of two thousand parts": (b"a = 1\n[" + b".".join([b"k"] * 2000) + b"]\n", "too-deep", 2),
    "an endless number": (b"a = 1\nb = " + b"9" * 5000 + b"\n", "number-too-large", 2),
    "a number beyond 64 bits": (b"a = 1\nb = [{ c = 0x" + b"f" * 17 + b" }]\n", "number-too-large", 2),
    "more than 5 MB": (b"# " + b"x" * 5_000_000, "too-large", None),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("name", ["backends/openai.toml", "backends.toml"])
def test_a_bad_file_is_one_problem_with_its_line(tmp_path: Path, what: str, name: str) -> None:
    content, code, line = BAD[what]
    write(tmp_path / DIR, {**GOOD, name: content})
    documents, (problem,) = load(tmp_path)
    assert (problem.severity, problem.code, problem.line) == ("error", code, line)
    assert problem.file == f"{DIR}/{name}"
    assert documents.unread == (problem.file,)
    assert documents.routing.data == {"active": "a", "profiles": {"a": {"default": "openai"}}}


def test_a_name_that_needs_quotes_is_told_so_without_its_text(tmp_path: Path) -> None:
    write(tmp_path / DIR, {"routing_profiles.toml": '[profiles.a.routes]\ngpt-* = "openai"\n'})
    problem = the_problem(tmp_path)
    assert problem.line == 2
    assert '"gpt-*"' in problem.hint
    write(tmp_path / DIR, {"routing_profiles.toml": "[a]\nsk/very+secret = x\n"})
    assert "secret" not in str(the_problem(tmp_path))


def test_a_byte_order_mark_and_crlf_are_fine(tmp_path: Path) -> None:
    crlf = {name: b"\xef\xbb\xbf" + str(text).replace("\n", "\r\n").encode() for name, text in GOOD.items()}
    write(tmp_path / DIR, {**crlf})
    documents, problems = load(tmp_path)
    assert problems == []
    assert documents.backends.data["openai"] == {"enabled": True, "api_key": "${OPENAI_API_KEY}"}
    assert documents.line(f"{DIR}/backends.toml", ("openai", "api_key")) == 3


def test_what_may_stand_in_a_files_place(tmp_path: Path) -> None:
    directory = write(tmp_path / DIR, GOOD)
    (directory / "deck" / "folder.toml").mkdir()
    (directory / "deck" / "loop.toml").symlink_to("loop.toml")
    (directory / "deck" / "nowhere.toml").symlink_to("not there.toml")
    os.mkfifo(directory / "deck" / "pipe.toml")
    _, problems = load(tmp_path)
    said = {Path(problem.file).stem: problem.message for problem in problems if problem.severity == "error"}
    assert said.keys() == {"folder", "loop", "nowhere", "pipe"}
    assert "folder" in said["folder"]
    assert "loop of links" in said["loop"]
    assert "link" in said["nowhere"]


def test_what_may_stand_in_a_folders_place(tmp_path: Path) -> None:
    directory = write(tmp_path / DIR, {"backends.toml": "", "deck": ""})
    (directory / "backends").symlink_to("backends")
    _, problems = load(tmp_path)
    said = {problem.file: problem.message for problem in problems}
    assert "a file stands where a folder" in said[f"{DIR}/deck"]
    assert "loop" in said[f"{DIR}/backends"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "permissions"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (ValueError("embedded null byte"), "no file can have such a name"),
    ],
)
def test_why_a_path_cannot_be_read(error: OSError | ValueError, words: str) -> None:
    assert words in reason_of(error)


def test_hidden_files_and_others_are_not_looked_at(tmp_path: Path) -> None:
    more = {"deck/.#base_deck.toml": b"\xff", "deck/base_deck.toml~": b"\xff", "deck/README.md": "x", "notes.txt": "x"}
    write(tmp_path / DIR, {**GOOD, **more})
    assert load(tmp_path)[1] == []


@given(name=st.sampled_from(sorted(GOOD)), data=st.binary(max_size=80), at=st.integers(0, 60), cut=st.booleans())
def test_random_bytes_give_problems_and_never_an_exception(name: str, data: bytes, at: int, *, cut: bool) -> None:
    original = str(GOOD[name]).encode()
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / DIR, {**GOOD, name: original[:at] + data + (b"" if cut else original[at:])})
        documents, problems = load(Path(folder))
        for problem in problems:
            assert problem.file == f"{DIR}/{name}"
            assert problem.line is not None
        if not problems:
            assert documents.line(f"{DIR}/{name}", ("whatever",)) == 1


@given(text=st.text(alphabet=" \n\t\"'\\[]{}=.,#ab1-\r\ufeff", max_size=40))
def test_near_toml_gives_problems_with_lines_and_never_an_exception(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / DIR, {"deck/base_deck.toml": text})
        _, problems = load(Path(folder))
        last = text.count("\n") + 1
        assert all(problem.line is not None and 1 <= problem.line <= last for problem in problems)
