from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipelex_like.errors import CapabilityError, InvalidResponseError, NotFoundError, UnreachableError
from pipelex_like.workers.local import weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAME = "smollm2-135m-instruct"
HOME = Path("/home/ada")
CONTENT = b"GGUF and the rest"

Run = weights.Run


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> weights.Weights:
    """Weights of a few bytes in the place of the real ones."""
    known = weights.Weights(
        name=NAME,
        requirement="made-up==1.0",
        member="made_up/tiny.gguf",
        size=len(CONTENT),
        wheel_size=10,
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        licence="MIT",
        about="",
        temperature=0.2,
    )
    monkeypatch.setattr(weights, "KNOWN", {NAME: known})
    return known


def installer(code: str, commands: list[list[str]] | None = None) -> Run:
    """A program in the place of pip: `code` finds the folder to install into as `target`."""

    def run(command: Sequence[str]) -> subprocess.Popen[str]:
        if commands is not None:
            commands.append(list(command))
        target = command[command.index("--target") + 1]
        text = f"import pathlib, sys; target = pathlib.Path({target!r})\n{code}"
        return subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.PIPE, text=True)

    return run


def writes(content: bytes) -> str:
    return f"(target / 'made_up').mkdir(parents=True); (target / 'made_up/tiny.gguf').write_bytes({content!r})"


@pytest.mark.parametrize(
    ("variables", "platform", "folder"),
    [
        ({}, "linux", HOME / ".cache/pipelex_like/models"),
        ({"XDG_CACHE_HOME": "/c"}, "linux", Path("/c/pipelex_like/models")),
        ({"XDG_CACHE_HOME": " "}, "linux", HOME / ".cache/pipelex_like/models"),
        ({"XDG_CACHE_HOME": "/c"}, "darwin", HOME / "Library/Caches/pipelex_like/models"),
        ({"LOCALAPPDATA": "/l"}, "win32", Path("/l/pipelex_like/models")),
        ({}, "win32", HOME / "AppData/Local/pipelex_like/models"),
        ({"PIPELEX_LIKE_CACHE_DIR": "/p", "XDG_CACHE_HOME": "/c"}, "linux", Path("/p/models")),
    ],
)
def test_the_cache_folder_is_that_of_the_platform(variables: dict[str, str], platform: str, folder: Path) -> None:
    assert weights.cache_folder(variables, home=HOME, platform=platform) == folder


def test_a_pull_leaves_the_one_file(small: weights.Weights, tmp_path: Path) -> None:
    told: list[weights.PullProgress] = []
    commands: list[list[str]] = []
    path = weights.pull(NAME, cache=tmp_path / "c", progress=told.append, run=installer(writes(CONTENT), commands))
    assert path.read_bytes() == CONTENT
    assert list((tmp_path / "c").iterdir()) == [path]
    assert {"--no-deps", "--only-binary", small.requirement} <= set(commands[0])
    assert [progress.stage for progress in told][-2:] == ["checking", "ready"]
    assert told[-1].done == told[-1].total
    assert weights.installed(tmp_path / "c") == (NAME,)


def test_what_is_there_is_not_fetched_again(small: weights.Weights, tmp_path: Path) -> None:
    (tmp_path / small.file).write_bytes(CONTENT)
    commands: list[list[str]] = []
    weights.pull(NAME, cache=tmp_path, progress=lambda _: None, run=installer("", commands))
    assert commands == []


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (writes(b"GGUF and the wros"), InvalidResponseError, "not the one expected"),
        (writes(CONTENT[:-3]), InvalidResponseError, "not the one expected"),
        ("", InvalidResponseError, "came without"),
        (
            "sys.exit('WARNING: retrying\\nERROR: no route to https://ada:s3cret@index.test/simple')",
            UnreachableError,
            "ERROR: no route to https://…@index.test/simple",
        ),
    ],
)
@pytest.mark.usefixtures("small")
def test_a_failed_pull_leaves_nothing(code: str, error: type[Exception], words: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=NAME) as caught:
        weights.pull(NAME, cache=tmp_path, progress=lambda _: None, run=installer(code))
    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small")
def test_an_interrupted_pull_ends_the_program_and_leaves_nothing(tmp_path: Path) -> None:
    processes: list[subprocess.Popen[str]] = []
    start = installer(f"{writes(CONTENT)}\nimport time; time.sleep(60)")

    def run(command: Sequence[str]) -> subprocess.Popen[str]:
        processes.append(start(command))
        return processes[0]

    def interrupt(_: weights.PullProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights.pull(NAME, cache=tmp_path, progress=interrupt, run=run)
    assert processes[0].returncode is not None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small")
def test_progress_grows_with_what_arrives(tmp_path: Path) -> None:
    told: list[weights.PullProgress] = []
    waiting = tmp_path / "go"

    def watch(progress: weights.PullProgress) -> None:
        told.append(progress)
        if progress.done:
            waiting.touch()

    code = f"{writes(CONTENT)}\nimport time\nwhile not pathlib.Path({str(waiting)!r}).exists(): time.sleep(0.01)"
    weights.pull(NAME, cache=tmp_path / "c", progress=watch, run=installer(code))
    fetching = [progress.done for progress in told if progress.stage == "fetching"]
    assert fetching == sorted(fetching)
    assert len(CONTENT) <= fetching[-1] <= told[0].total


@pytest.mark.usefixtures("small")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CapabilityError, match="PIPELEX_LIKE_CACHE_DIR"):
        weights.pull(NAME, cache=tmp_path / "file", progress=lambda _: None, run=installer(""))


@pytest.mark.parametrize("act", [weights.known, lambda name: weights.remove(name, Path())])
def test_an_unknown_name_is_told_with_the_nearest(act: Callable[[str], object]) -> None:
    with pytest.raises(NotFoundError, match=NAME):
        act("smollm2-135m")


def test_remove_takes_the_file_and_what_a_broken_pull_left(small: weights.Weights, tmp_path: Path) -> None:
    (tmp_path / small.file).write_bytes(CONTENT)
    (tmp_path / ".pull-x").mkdir()
    assert weights.remove(NAME, tmp_path)
    assert not weights.remove(NAME, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_half_file_does_not_count(small: weights.Weights, tmp_path: Path) -> None:
    (tmp_path / small.file).write_bytes(CONTENT[:-1])
    assert weights.installed(tmp_path) == ()


def test_the_real_file_is_the_one_that_is_named(local_weights: Path) -> None:
    with local_weights.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == weights.KNOWN[NAME].sha256
