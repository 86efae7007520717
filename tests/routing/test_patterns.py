from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.routing.patterns import PatternError, Ranked, compile_pattern, is_exact

MATCHES = [
    ("gpt-*", "gpt-4o", 4),
    ("gpt-*", "gpt-", 4),
    ("gpt-*", "xgpt-4", None),
    ("*-turbo", "gpt-4-turbo", 6),
    ("*", "anything/with:all.of it", 0),
    ("*", ".hidden", 0),
    ("a*b", "a/x/b", 2),
    ("a?c", "abc", 2),
    ("a?c", "ac", None),
    ("[ab]x", "bx", 1),
    ("[!ab]x", "bx", None),
    ("[[:digit:]]x", "7x", 1),
    ("{gpt,claude}-*", "claude-4", 7),
    ("{gpt,claude}-*", "gpt-4", 4),
    ("{a,a*}b", "ab", 2),
    ("v{1..3}", "v2", 2),
    ("GPT-*", "gpt-4", None),
    (r"a\*b", "a*b", 3),
    (r"a\*b", "axb", None),
    ("!x", "!x", 2),
    ("a.c*", "abc", None),
    ("org/model:*", "org/model:free", 10),
    ("x*", "x\n", 1),
    ("a]", "a]", 2),
]


@pytest.mark.parametrize(("pattern", "name", "literals"), MATCHES)
def test_a_pattern_matches_as_a_whole_and_counts_its_literal_characters(
    pattern: str, name: str, literals: int | None
) -> None:
    assert compile_pattern(pattern).weight(name) == literals


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[ab", '"[" is not closed'),
        ("[]", '"[" is not closed'),
        ("gpt-{a,b", '"{" is not closed'),
        ("{a,[}", '"[" is not closed'),
        ("", "empty"),
        ("gpt-\\", "ends in a lone"),
        ("{1..5000}", "more than 1000"),
        ("{a,b}" * 12, "more than 1000"),
        ("{" * 60 + "}" * 60, "too deeply"),
    ],
)
def test_a_pattern_that_cannot_be_read_says_why(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError, match=re.escape(reason)):
        compile_pattern(pattern)


@given(st.text(alphabet="ab-[]{}*?!^,.\\:", max_size=24), st.text(alphabet="ab-.", max_size=6))
def test_any_text_is_a_pattern_or_an_error(text: str, name: str) -> None:
    try:
        pattern = compile_pattern(text)
    except PatternError:
        return
    weight = pattern.weight(name)
    assert weight is None or 0 <= weight <= len(name)


@given(st.text(alphabet="abc/.:-_@ +()$^|~#", min_size=1, max_size=12))
def test_a_name_without_wildcards_matches_itself_alone(name: str) -> None:
    assert is_exact(name)
    assert compile_pattern(name).weight(name) == len(name)
    assert compile_pattern(name).weight(name + "x") is None


def test_exact_names_come_first_then_most_literal_characters_then_order() -> None:
    ranked = Ranked([("*", 0), ("gpt-*", 1), ("*-4o*", 2), ("gpt-4*", 3), ("gpt-4o", 4), ("g*-4", 5)])
    assert [match.rule for match in ranked.matches("gpt-4o")] == [4, 3, 1, 2, 0]
    assert [match.rule for match in ranked.matches("gpt-4o-x")] == [3, 1, 2, 0]


def test_patterns_that_cannot_be_read_are_left_out() -> None:
    ranked = Ranked([("[a", 1), ("a*", 2)])
    assert [match.rule for match in ranked.matches("abc")] == [2]
    assert [rule for rule, _ in ranked.faults] == [1]
