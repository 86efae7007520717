from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.deck import Name, Origin, Slot, Template
from pipelex_like.specs import parse_template

HERE = Origin("backends.toml", ("openai", "api_key"))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("${KEY}", (Slot((Name("env", "KEY"),)),)),
        ("${env:KEY}", (Slot((Name("env", "KEY"),)),)),
        ("${secret:KEY}", (Slot((Name("secret", "KEY"),)),)),
        ("${env:A|secret:A}", (Slot((Name("env", "A"), Name("secret", "A"))),)),
        ("${A|B:-x:y|z}", (Slot((Name("env", "A"), Name("env", "B")), "x:y|z"),)),
        ("${A:-}", (Slot((Name("env", "A"),), ""),)),
        (
            "https://${HOST}/v1/${PATH_1}",
            ("https://", Slot((Name("env", "HOST"),)), "/v1/", Slot((Name("env", "PATH_1"),))),
        ),
        ("$${a}${B}", ("${a}", Slot((Name("env", "B"),)))),
        ("${A|env:B:-http://x}", (Slot((Name("env", "A"), Name("env", "B")), "http://x"),)),
    ],
)
def test_variables_are_read(text: str, parts: tuple[object, ...]) -> None:
    assert parse_template(text, HERE) == Template(text, parts, HERE)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("text", "plain"), [("", ""), ("$5", "$5"), ("{x}", "{x}"), ("$${X}", "${X}"), ("a}b", "a}b")])
def test_a_text_without_variables_stays_a_text(text: str, plain: str) -> None:
    assert parse_template(text, HERE) == plain


def test_the_scalar_is_kept() -> None:
    found = parse_template("${N}", HERE, "int")
    assert isinstance(found, Template)
    assert found.scalar == "int"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${KEY", "never closed"),
        ("${}", "lacks the name"),
        ("${A|}", "lacks the name"),
        ("${:-x}", "lacks the name"),
        ("${1A}", "begins with no digit"),
        ("${sk-ant-123}", "letters, digits"),
        ("${A:-${B}}", "inside another"),
        ("${secrt:A}", 'Did you mean "secret"?'),
        ("${vault:A}", "`env` or `secret`"),
    ],
)
def test_malformed_ones_say_why_and_show_nothing_of_the_text(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        parse_template(text, HERE)
    assert said in " ".join(raised.value.args)
    assert "sk-ant" not in str(raised.value)


@given(st.text(alphabet="${}:-|AaB_1 $\n"))
def test_any_text_gives_a_value_or_a_message(text: str) -> None:
    try:
        found = parse_template(text, HERE)
    except ValueError as error:
        assert str(error)
    else:
        assert isinstance(found, str) or found.slots
