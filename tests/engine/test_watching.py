"""Files that change under a running engine: what is good comes into force, what is not leaves the old deck serving."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from engine.workbench import KEYS, Player, Stage, load, write

from pipelex_like import ConfigError, Inference
from pipelex_like.engine.watching import may_be_cut
from pipelex_like.types import LlmReply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Echo(Player):
    """Answers with the model id and the key that it was given."""

    async def generate(self, job: object, candidate: object, limits: object) -> LlmReply:
        return LlmReply(text=f"{candidate.model_id} {self.access.keys['api_key']}")


class Echoes(Stage):
    def find(self, kind: str, sdk: str, *, backend: str = "") -> Callable[[object], Echo]:
        return lambda access: Echo(self, access)


def until(is_so: Callable[[], bool], what: str = "") -> None:
    tick = threading.Event()
    for _ in range(600):
        if is_so():
            return
        tick.wait(0.02)
    raise AssertionError(f"waited 12 s in vain {what}")


def watched(root: Path, **options: object) -> Inference:
    return load(root, Echoes(), watch=True, **options)


def said(ai: Inference) -> str:
    return ai.sync.generate_text("hi").text


def mark(directory: Path, version: str) -> None:
    file = directory / "backends" / "a.toml"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(f'model_id = "{version}"\n' if "model_id" in line else line for line in lines))


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("pipelex_like_watch")]


def test_a_change_comes_into_force_by_itself(tmp_path: Path) -> None:
    directory = write(tmp_path)
    with watched(tmp_path) as ai:
        view = ai.using(exclude=["c"])
        assert said(ai) == "a-1 key-a"
        mark(directory, "a-2")
        until(lambda: said(ai) == "a-2 key-a")
        assert said(view) == "a-2 key-a"
        assert ai.reload_problems == ()
    assert ours() == []


def test_without_watch_nothing_changes_by_itself_until_asked(tmp_path: Path) -> None:
    directory = write(tmp_path)
    with load(tmp_path, Echoes()) as ai:
        mark(directory, "a-2")
        assert ours() == []
        assert said(ai) == "a-1 key-a"
        ai.watch()
        ai.watch()
        until(lambda: said(ai) == "a-2 key-a", "what changed before watch() counts too")
        assert len(ours()) == 1


def test_a_broken_file_keeps_the_old_deck_and_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = write(tmp_path)
    deck = directory / "deck" / "base_deck.toml"
    good = deck.read_text()
    with watched(tmp_path) as ai:
        deck.write_text(good.replace('"chain"', '"chian"'))
        until(lambda: bool(ai.reload_problems))
        assert "base_deck.toml" in str(ai.reload_problems[0])
        deck.write_text(good.replace('"chain"', '"chian"') + "# touched\n")
        until(lambda: bool(ai.reload_problems))
        assert said(ai) == "a-1 key-a"
        deck.write_text(good + '[broken\n"')
        until(lambda: any(problem.code == "bad-toml" for problem in ai.reload_problems))
        assert said(ai) == "a-1 key-a"
        deck.write_text(good)
        until(lambda: not ai.reload_problems)
    told = [record.message for record in caplog.records if record.name == "pipelex_like"]
    assert len(told) == len(set(told)) == 2
    assert all("goes on serving" in message for message in told)


def test_a_reload_by_hand_that_fails_is_told_there_and_kept(tmp_path: Path) -> None:
    directory = write(tmp_path)
    with load(tmp_path, Echoes()) as ai:
        (directory / "routing_profiles.toml").write_text("active = ")
        with pytest.raises(ConfigError):
            ai.reload()
        assert [problem.code for problem in ai.reload_problems] == ["bad-toml"]
        write(tmp_path)
        ai.reload()
        assert ai.reload_problems == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"a = 1\nb = 2\n", b"a = 1\n", True),
        (b"a = 1\n", b"", True),
        (b"a = 1\n", None, True),
        (b"a = 1\n", b"a = 2\nb", True),
        (b"a = 1\n", b"a = 2\n", False),
        (b"a = 1", b"a = 2", False),
        (None, b"a = 1\n", False),
        (None, b"a = ", True),
        (None, None, False),
    ],
)
def test_what_looks_cut_off(old: bytes | None, new: bytes | None, expected: bool) -> None:
    assert may_be_cut(old, new) is expected


def test_a_directory_behind_links_that_are_turned_over(tmp_path: Path) -> None:
    """As Kubernetes lays out a configuration: `..data` leads to the version, each file leads into `..data`."""
    first = write(tmp_path / "made")
    mount = tmp_path / "project" / ".pipelex" / "inference"
    mount.mkdir(parents=True)

    def put(version: str, name: str) -> None:
        shutil.copytree(first, mount / name)
        mark(mount / name, version)
        (mount / "..new").symlink_to(name)
        (mount / "..new").replace(mount / "..data")

    put("a-1", "..one")
    for name in ("backends", "deck", "backends.toml", "routing_profiles.toml"):
        (mount / name).symlink_to(f"..data/{name}")
    with watched(tmp_path / "project") as ai:
        assert said(ai) == "a-1 key-a"
        for number in (2, 3):
            put(f"a-{number}", f"..v{number}")
            until(lambda number=number: said(ai) == f"a-{number} key-a")
        shutil.rmtree(mount / "..one")
        assert said(ai) == "a-3 key-a"


def test_a_directory_that_goes_and_comes_back(tmp_path: Path) -> None:
    directory = write(tmp_path)
    with watched(tmp_path) as ai:
        shutil.move(tmp_path / ".pipelex", tmp_path / "away")
        until(lambda: bool(ai.reload_problems))
        assert said(ai) == "a-1 key-a"
        mark(tmp_path / "away" / "inference", "a-2")
        shutil.move(tmp_path / "away", tmp_path / ".pipelex")
        until(lambda: said(ai) == "a-2 key-a")
        mark(directory, "a-3")
        until(lambda: said(ai) == "a-3 key-a")
        shutil.rmtree(directory)
        until(lambda: bool(ai.reload_problems))
        assert said(ai) == "a-3 key-a"
        write(tmp_path)
        until(lambda: said(ai) == "a-1 key-a")


def test_a_directory_found_by_itself_is_not_exchanged_for_the_kit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = write(tmp_path)
    monkeypatch.chdir(tmp_path)
    with Inference.load(environ={"HOME": str(tmp_path), **KEYS}, watch=True) as ai:
        shutil.rmtree(directory)
        until(lambda: bool(ai.reload_problems))
        assert ai.place.directory == directory
        assert list(ai.backends) == ["a", "b", "c"]


def test_what_is_inherited_and_variables_and_secrets_count(tmp_path: Path) -> None:
    team = write(tmp_path / "team")
    mine = tmp_path / "mine" / ".pipelex" / "inference"
    mine.mkdir(parents=True)
    (mine / "backends.toml").write_text('extends = "../team"\n[b]\napi_key = "${secret:b_key}"\n')
    (tmp_path / "mine" / ".env").write_text("A_KEY=one\nPIPELEX_SECRETS_DIR=secrets\n")
    secrets = tmp_path / "mine" / "secrets"
    secrets.mkdir()
    (secrets / "b_key").write_text("first")
    with watched(tmp_path / "mine", environ={"C_KEY": "c"}) as ai:
        assert said(ai) == "a-1 one"
        mark(team, "a-2")
        until(lambda: said(ai) == "a-2 one")
        (tmp_path / "mine" / ".env").write_text("A_KEY=two\nPIPELEX_SECRETS_DIR=secrets\n")
        until(lambda: said(ai) == "a-2 two")
        (secrets / "b_key").write_text("second")
        until(lambda: ai.sync.generate_text("hi", model="b-large").text == "b-1 second")


def test_the_chosen_profile_stays_and_one_in_use_is_not_taken_away(tmp_path: Path) -> None:
    directory = write(tmp_path)
    routing = directory / "routing_profiles.toml"
    good = routing.read_text()
    with watched(tmp_path) as ai:
        ai.use_profile("second")
        view = ai.using(profile="main")
        mark(directory, "a-2")
        until(lambda: said(view) == "a-2 key-a")
        assert said(ai) == "b-1 key-b"
        routing.write_text(good.replace("main", "other"))
        until(lambda: bool(ai.reload_problems))
        assert said(view) == "a-2 key-a"
        view = None
        gc.collect()
        routing.write_text(good.replace("main", "another"))
        until(lambda: not ai.reload_problems)
        assert "another" in ai.profiles
        assert ai.profile.name == "second"


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_watches_when_it_asks(tmp_path: Path) -> None:
    directory = write(tmp_path)
    with watched(tmp_path) as ai:
        assert said(ai) == "a-1 key-a"
        child = os.fork()
        if child == 0:
            good = False
            try:
                good = ours() == [] and said(ai) == "a-1 key-a"
                mark(directory, "a-2")
                ai.reload()
                good = good and said(ai) == "a-2 key-a"
                ai.watch()
                mark(directory, "a-3")
                until(lambda: said(ai) == "a-3 key-a")
                ai.close()
                good = good and ours() == []
            finally:
                os._exit(0 if good else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        until(lambda: said(ai) == "a-3 key-a")


def test_dropped_unclosed_it_ends(tmp_path: Path) -> None:
    write(tmp_path)
    ai = watched(tmp_path)
    assert len(ours()) == 1
    del ai
    gc.collect()
    until(lambda: ours() == [])


async def test_closing_from_a_loop_ends_the_thread(tmp_path: Path) -> None:
    write(tmp_path)
    async with watched(tmp_path) as ai:
        assert len(ours()) == 1
    assert ours() == []
    with pytest.raises(RuntimeError, match="closed"):
        ai.watch()


def test_without_the_extra_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(ConfigError, match=r'pip install "pipelex-like\[watch\]"'):
        watched(tmp_path)
