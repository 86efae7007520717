"""What is put into `.env` and `.gitignore`: every line kept, values read back exactly, no value shown."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.errors import ConfigError
from pipelex_like.setup.editing.changes import Change
from pipelex_like.setup.init.dotenv_file import Entry, changed_env, quoted, shown_diff, values_of, with_entries
from pipelex_like.setup.init.gitignore import ignores, with_lines

SIGNS = st.characters(exclude_categories=("Cs",), exclude_characters="\x00\ufeff")


def read(text: str) -> dict[str, str | None]:
    return dotenv_values(stream=StringIO(text), interpolate=False)


@given(st.text(SIGNS, min_size=1, max_size=40))
def test_any_value_is_read_back_exactly(value: str) -> None:
    text = with_entries("BEFORE=1\n", [Entry("KEY", value, "a comment")])
    assert read(text + "AFTER=2\n") == {"BEFORE": "1", "KEY": value, "AFTER": "2"}


@given(st.text(st.sampled_from("AB='\"# \n\\x"), max_size=40), st.text(st.sampled_from("k'\"\\ #$"), min_size=1))
def test_whatever_stands_there_it_is_refused_or_nothing_else_changes(text: str, value: str) -> None:
    before = {name: held or "" for name, held in read(text).items()}
    try:
        after = with_entries(text, [Entry("NEW_KEY", value)])
    except ConfigError:
        return
    assert {name: held or "" for name, held in read(after).items()} == before | {"NEW_KEY": value}
    assert after.startswith(text)


@pytest.mark.parametrize(
    ("line", "filled"),
    [
        ("K=\n", "K=new\n"),
        ("K\n", "K=new\n"),
        ("export K=''  # mine\n", "export K=new  # mine\n"),
        ("K= # where it comes from\n", "K= new # where it comes from\n"),
        ("K = your-key-here   # mine\r\n", "K = new   # mine\r\n"),
        ('K="sk-..." # mine\n', "K=new # mine\n"),
        ("K=old", "K=new"),
        ("'K'=old\n", "'K'=new\n"),
    ],
)
def test_a_line_that_is_there_is_filled_in(line: str, filled: str) -> None:
    text = f"# first\n\n{line}"
    assert with_entries(text, [Entry("K", "new", "no comment twice")]) == f"# first\n\n{filled}"


def test_of_several_lines_the_one_that_counts_is_filled_in() -> None:
    assert with_entries("K=\nJ=1\nK=\n", [Entry("K", "v")]) == "K=\nJ=1\nK=v\n"


def test_order_comments_line_ends_and_mark_are_kept() -> None:
    text = "\ufeff# head\r\nZ=1\r\n\r\n  A = 'two'  # second\r\nnot a line\r\n"
    after = with_entries(text, [Entry("B", "x y", "Bee")])
    assert after == text + "\r\n# Bee\r\nB='x y'\r\n"


def test_a_line_to_fill_in_is_added_once_and_fills_nothing_out() -> None:
    once = with_entries("A=1", [Entry("B", "", "Bee"), Entry("A", "")])
    assert once == "A=1\n\n# Bee\nB=\n"
    assert with_entries(once, [Entry("B", "", "Bee")]) == once


def test_plain_keys_stay_bare() -> None:
    assert quoted("sk-proj-AbC_123") == "sk-proj-AbC_123"
    assert quoted("http://localhost:4000/v1") == "http://localhost:4000/v1"
    assert quoted("two words") == "'two words'"


def test_the_difference_shows_names_and_no_value(tmp_path: Path) -> None:
    secret = "sk-very-secret-0123456789"
    text = f'A={secret}\n# OLD_KEY={secret}\nB="{secret}\nsecond {secret}"\n{secret} stray\n# {secret}\nC=\n'
    after = with_entries(text, [Entry("C", secret + "c"), Entry("D", secret, "D: https://example.com/keys/of/mine")])
    shown = shown_diff(Change(path=tmp_path / ".env", before=text, after=after), ".env")
    assert secret not in shown
    assert "-C=\n+C=***\n" in shown
    assert "+# D: https://example.com/keys/of/mine\n+D=***\n" in shown
    everything = shown_diff(Change(path=tmp_path / ".env", before=None, after=after), ".env")
    assert secret not in everything
    assert "+A=***\n" in everything


def test_a_new_file_begins_with_its_comment(tmp_path: Path) -> None:
    change = changed_env(tmp_path / ".env", [Entry("A", "1")], "Keys")
    assert (change.before, change.after) == (None, "# Keys\n\nA=1\n")
    assert values_of(change.after) == {"A": "1"}


def test_gitignore_gets_each_line_once_and_last() -> None:
    text = with_lines("node_modules\n!.env\n", [".env", ".pipelex/*.sqlite*"])
    assert text.startswith("node_modules\n!.env\n\n")
    assert text.endswith("\n.env\n.pipelex/*.sqlite*\n")
    assert with_lines(text, [".env", ".pipelex/*.sqlite*"]) == text


@pytest.mark.parametrize(
    ("text", "wanted", "yes"),
    [
        (".env", ".env", True),
        ("/.env  ", ".env", True),
        ("*.env", ".env", True),
        (".env*\n!.env.example", ".env", True),
        (".env\n!.env", ".env", False),
        ("# .env", ".env", False),
        ("config/.env", ".env", False),
        (".pipelex/", ".pipelex/*.sqlite*", True),
        ("*.sqlite", ".pipelex/*.sqlite*", False),
    ],
)
def test_gitignore_is_understood(text: str, wanted: str, yes: bool) -> None:
    assert ignores(text, wanted) is yes
