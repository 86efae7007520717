"""When a backend is on, off or broken, and what is said about it."""

from __future__ import annotations

import pytest
from routing.building import backend, bound, deck, errors, found, model, profile, template

from pipelex_like.routing import bind

KEY = "${OPENAI_API_KEY}"
OPENAI = backend("openai", enabled="auto", api_key=KEY)
BEDROCK = backend("bedrock", enabled="auto", sdk="bedrock")
CUSTOM = backend(
    "custom",
    enabled="auto",
    api_key="${AI_API_KEY}",
    keys={"endpoint": "${AI_BASE_URL:-https://api.openai.com/v1}"},
    required=(("AI_BASE_URL",), ("AI_API_KEY",), ("AI_MODELS",)),
)
BOTH = backend("nebius", enabled="auto", required=(("NEBIUS_API_KEY", "NEBIUS_API_BASE"),))
VERTEX_LIKE = backend("ollama", enabled=True, api_key=None, keys={"endpoint": "http://localhost:11434/v1"})

STATES = [
    (OPENAI, {}, "off", "OPENAI_API_KEY is not set", ("OPENAI_API_KEY",)),
    (OPENAI, {"OPENAI_API_KEY": "  "}, "off", "OPENAI_API_KEY is not set", ("OPENAI_API_KEY",)),
    (OPENAI, {"OPENAI_API_KEY": "sk-1"}, "on", "OPENAI_API_KEY is set", ()),
    (
        BEDROCK,
        {},
        "off",
        "none of these is set: AWS_BEARER_TOKEN_BEDROCK; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; AWS_PROFILE",
        ("AWS_BEARER_TOKEN_BEDROCK",),
    ),
    (BEDROCK, {"AWS_PROFILE": "me"}, "on", "AWS_PROFILE is set", ()),
    (BEDROCK, {"AWS_REGION": "eu-west-3"}, "off", None, ("AWS_BEARER_TOKEN_BEDROCK",)),
    (
        BEDROCK,
        {"AWS_ACCESS_KEY_ID": "AKIA"},
        "broken",
        "AWS_SECRET_ACCESS_KEY is not set, while AWS_ACCESS_KEY_ID is set",
        ("AWS_SECRET_ACCESS_KEY",),
    ),
    (
        BEDROCK,
        {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_BEARER_TOKEN_BEDROCK": "t"},
        "on",
        "AWS_BEARER_TOKEN_BEDROCK is set",
        (),
    ),
    (CUSTOM, {}, "off", "none of these is set: AI_BASE_URL; AI_API_KEY; AI_MODELS", ("AI_BASE_URL",)),
    (CUSTOM, {"AI_MODELS": "a:b"}, "on", "AI_MODELS is set", ()),
    (
        BOTH,
        {"NEBIUS_API_KEY": "n"},
        "broken",
        "NEBIUS_API_BASE is not set, while NEBIUS_API_KEY is set",
        ("NEBIUS_API_BASE",),
    ),
    (VERTEX_LIKE, {}, "on", "enabled = true", ()),
    (backend("x", enabled=False), {}, "off", "enabled = false", ()),
    (backend("x", enabled="${X_ON}"), {}, "off", "enabled = ${X_ON}, and X_ON is not set", ()),
    (backend("x", enabled="${X_ON}"), {"X_ON": "True"}, "on", "enabled = true", ()),
    (backend("x", enabled="${X_ON:-auto}"), {}, "on", "its keys are complete", ()),
    (backend("x", enabled=True, api_key="${X_KEY}"), {"X_KEY": "k"}, "on", "enabled = true", ()),
    (backend("x", enabled=True, api_key="${A|B}"), {"B": "k"}, "on", "enabled = true", ()),
    (backend("x", enabled=True, api_key="${A|B}"), {}, "broken", "A or B is not set", ("A",)),
    (
        backend("x", enabled=True, keys={"endpoint": "${X_URL}"}),
        {},
        "broken",
        "X_URL is not set",
        ("X_URL",),
    ),
    (backend("x", enabled="auto", keys={"endpoint": "${X_URL}"}), {}, "on", "its keys are complete", ()),
    (
        backend("x", enabled=True, required=(("X",),), keys={"endpoint": "${X:-http://h}"}),
        {},
        "broken",
        "X is not set",
        ("X",),
    ),
    (backend("b", enabled=True, sdk="bedrock"), {"AWS_PROFILE": "p"}, "on", "enabled = true", ()),
    (
        backend("b", enabled=True, sdk="bedrock", keys={"aws_access_key_id": "${AWS_ACCESS_KEY_ID}"}),
        {"AWS_PROFILE": "p"},
        "on",
        "enabled = true",
        (),
    ),
]


@pytest.mark.parametrize(("spec", "variables", "state", "reason", "missing"), STATES)
def test_the_state_and_its_reason(spec, variables, state, reason, missing) -> None:
    one = bound(deck([spec]), variables).backends[spec.name]
    assert one.state == state
    assert reason is None or one.reason == reason
    assert one.missing == missing


def test_every_way_that_would_suffice_is_listed() -> None:
    one = bound(deck([BEDROCK])).backends["bedrock"]
    assert one.alternatives == (
        ("AWS_BEARER_TOKEN_BEDROCK",),
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_PROFILE",),
    )


def test_a_begun_set_is_a_warning_and_auto_without_keys_too() -> None:
    assert ("warning", "incomplete-credentials", "bedrock") in found(deck([BEDROCK]), {"AWS_ACCESS_KEY_ID": "A"})
    inside = backend("internal", enabled="auto", sdk="pypdfium2")
    assert ("warning", "auto-without-keys", "internal.enabled") in found(deck([inside]))


LISTED = backend("openai", enabled=True, api_key=KEY)


@pytest.mark.parametrize(
    ("active", "lenient", "severity"),
    [
        (None, False, "warning"),
        (profile(default="openai"), False, "error"),
        (profile(routes={"gpt-*": "openai"}), False, "error"),
        (profile(optional_routes={"gpt-*": "openai"}), False, "warning"),
        (profile(fallback_order=("openai",)), False, "error"),
        (profile(default="openai"), True, "warning"),
        (profile(default="other", exclude=("openai",)), False, None),
    ],
)
def test_true_with_a_missing_variable(active, lenient, severity) -> None:
    problems = found(deck([LISTED, backend("other")], active=active), lenient=lenient)
    wanted = [] if severity is None else [(severity, "missing-variable", "openai.api_key")]
    assert [entry for entry in problems if entry[1] == "missing-variable"] == wanted


def test_a_missing_variable_is_told_once_with_the_way_to_a_key() -> None:
    spec = backend("x", enabled=True, api_key="${K}", keys={"endpoint": "https://${K}.example"}, key_url="https://keys")
    _, problems = bind(deck([spec], active=profile(default="x")), {})
    (one,) = errors(problems)
    assert (one.file, one.key) == ("backends.toml", "x.api_key")
    assert 'backend "x"' in one.message
    assert "K is not set" in one.message
    assert "https://keys" in one.hint


@pytest.mark.parametrize(
    ("active", "lenient", "code", "severity"),
    [
        (profile(default="off"), False, "disabled-default", "error"),
        (profile(default="off"), True, "disabled-default", "warning"),
        (profile(default="nowhere"), False, "disabled-default", "error"),
        (profile(default="on", only=("off",)), True, "default-ruled-out", "error"),
        (profile(default="on", exclude=("on",)), False, "default-ruled-out", "error"),
        (profile(default="on", routes={"a*": "off"}), False, "route-to-disabled-backend", "warning"),
        (profile(default="on", optional_routes={"a*": "off"}), False, None, None),
        (profile(default="on", fallback_order=("off",)), False, None, None),
    ],
)
def test_a_profile_that_counts_on_a_disabled_backend(active, lenient, code, severity) -> None:
    problems = found(deck([backend("on"), backend("off", enabled=False)], active=active), lenient=lenient)
    assert [(s, c) for s, c, _ in problems] == ([] if code is None else [(severity, code)])


def test_a_value_of_another_type_names_the_variable_and_never_the_value() -> None:
    spec = backend("x", sdk="pypdfium2", keys={"context_size": template("${SIZE}", scalar="int")})
    _, problems = bind(deck([spec]), {"SIZE": "canary-value"})
    (one,) = errors(problems)
    assert one.code == "wrong-type"
    assert "SIZE" in one.message
    assert "canary" not in str(one)
    fitting, _ = bind(deck([spec]), {"SIZE": " 4096 "})
    assert fitting.backends["x"].keys["context_size"].value == 4096


def test_enabled_that_is_neither_flag_nor_auto() -> None:
    spec, active = backend("x", enabled="${ON}"), profile(default="x")
    assert found(deck([spec], active=active), {"ON": "perhaps"}) == [("error", "wrong-type", "x.enabled")]


def test_kinds_of_a_backend_are_those_of_its_models() -> None:
    models = [model("x", "a"), model("x", "b", kind="img_gen")]
    assert bound(deck([backend("x")], models)).backends["x"].kinds == ("llm", "img_gen")


def test_every_way_in_is_told_where_none_was_begun() -> None:
    spec = backend("b", sdk="bedrock", api_key=None)
    (one,) = errors(bind(deck([spec], active=profile(default="b")), {})[1])
    assert "AWS_BEARER_TOKEN_BEDROCK; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; AWS_PROFILE" in one.message
