"""Changes of files: nothing but what was meant, whole or not at all."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from acceptance.directory import ENVIRON, write

from pipelex_like.errors import ConfigError
from pipelex_like.setup.editing.changes import Change, check, edited, new_errors, rewritten, write_all
from pipelex_like.setup.editing.toml_text import put

if TYPE_CHECKING:
    from pathlib import Path

    from tomlkit import TOMLDocument


def test_a_document_is_edited_with_its_comments(tmp_path: Path) -> None:
    path = tmp_path / "backends.toml"
    path.write_text("# head\n\n[a]\nx = 1 # why\n\n# tail\n")

    def change(document: TOMLDocument) -> None:
        document["a"]["x"] = 2  # pyright: ignore[reportIndexIssue, reportArgumentType]

    made = edited(path, change)
    assert made.after == "# head\n\n[a]\nx = 2 # why\n\n# tail\n"
    assert "-x = 1 # why\n+x = 2 # why\n" in made.diff("backends.toml")
    assert path.read_text() == made.before
    made.write()
    assert path.read_text() == made.after


def test_line_ends_and_byte_order_mark_stay(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xef\xbb\xbf[a]\r\nx = 1\r\n\r\n# end\r\n")
    rewritten(path, lambda text: put(text, ("a", "y"), ["é"])).write()
    assert path.read_bytes() == '\ufeff[a]\r\nx = 1\r\ny = ["é"]\r\n\r\n# end\r\n'.encode()


def test_the_difference_of_a_new_file_and_of_one_without_a_last_line_end() -> None:
    from pathlib import Path

    made = Change(path=Path("a.toml"), before=None, after="x = 1\n")
    assert made.diff() == "--- /dev/null\n+++ a.toml\n@@ -0,0 +1 @@\n+x = 1\n"
    open_ended = Change(path=Path("a.toml"), before="x = 1", after="x = 2\n")
    assert "-x = 1\n\\ No newline at end of file\n+x = 2\n" in open_ended.diff()
    assert Change(path=Path("a.toml"), before="x", after="x").diff() == ""


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "link.toml"
    real.write_text("x = 1\n")
    real.chmod(0o640)
    link.symlink_to("real.toml")
    rewritten(link, lambda text: put(text, ("x",), 2)).write()
    assert link.is_symlink()
    assert real.read_text() == "x = 2\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [entry.name for entry in sorted(tmp_path.iterdir())] == ["link.toml", "real.toml"]


def test_a_new_file_takes_the_mode_that_is_given(tmp_path: Path) -> None:
    path = tmp_path / "deep" / ".env"
    Change(path=path, before=None, after="A=1\n").write(0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_somebody_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    one, other = tmp_path / "one.toml", tmp_path / "other.toml"
    one.write_text("x = 1\n")
    other.write_text("x = 1\n")
    made = [rewritten(path, lambda text: put(text, ("x",), 2)) for path in (one, other)]
    other.write_text("x = 3\n")
    with pytest.raises(ConfigError, match="changed this file in the meantime"):
        write_all(made)
    assert (one.read_text(), other.read_text()) == ("x = 1\n", "x = 3\n")
    other.unlink()
    with pytest.raises(ConfigError):
        made[1].write()
    assert not other.exists()


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.toml"
    path.write_text("x = 1\n")
    made = rewritten(path, lambda text: put(text, ("x",), 2))

    def full(_: int) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        made.write()
    assert path.read_text() == "x = 1\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"x = \n", b"\xff"])
def test_a_file_that_is_no_toml_is_not_edited(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"x\.toml: .*(not valid TOML|not UTF-8)"):
        rewritten(path, lambda text: text)


def test_an_edit_that_gives_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="could not be changed"):
        rewritten(tmp_path / "x.toml", lambda _: "x = ")


def test_check_tells_what_would_be_without_writing(tmp_path: Path) -> None:
    directory = write(tmp_path)
    routing = directory / "routing_profiles.toml"
    before = check(directory, [], ENVIRON)
    made = rewritten(routing, lambda text: put(text, ("active",), "owm"))
    found = new_errors(before, check(directory, [made], ENVIRON))
    assert [(problem.code, problem.line, problem.key) for problem in found] == [("unknown-profile", 1, "active")]
    assert 'Did you mean "own"?' in found[0].hint
    assert 'active = "own"' in routing.read_text()


def test_check_lets_variables_lack_and_refuses_a_default_that_is_off(tmp_path: Path) -> None:
    directory = write(tmp_path)
    assert not [problem for problem in check(directory, [], {}) if problem.severity == "error"]
    made = rewritten(directory / "backends.toml", lambda text: put(text, ("openai", "enabled"), False))
    assert [problem.code for problem in new_errors([], check(directory, [made], {}))] == ["disabled-default"]


def test_check_of_a_directory_that_is_not_there_yet(tmp_path: Path) -> None:
    directory = tmp_path / ".pipelex" / "inference"
    head = Change(path=directory / "backends.toml", before=None, after='extends = "pipelex_like"\n')
    assert not new_errors([], check(directory, [head], {}))
    deck = Change(path=directory / "deck" / "x.toml", before=None, after='[aliases]\nmine = "gpt-4o-min"\n')
    (found,) = new_errors([], check(directory, [head, deck], {}))
    assert (found.file.endswith("deck/x.toml"), found.line) == (True, 2)
    assert not directory.exists()


def test_errors_that_were_there_before_are_not_new(tmp_path: Path) -> None:
    directory = write(tmp_path)
    deck = directory / "deck" / "base_deck.toml"
    deck.write_text(deck.read_text().replace('cheap = "gpt-4o-mini"', 'cheap = "gpt-4o-minu"'))
    before = check(directory, [], ENVIRON)
    assert new_errors([], before)
    moved = Change(path=deck, before=deck.read_text(), after="# a line more\n" + deck.read_text())
    assert new_errors(before, check(directory, [moved], ENVIRON)) == []
