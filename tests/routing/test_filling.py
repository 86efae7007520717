"""Values that variables fill in, what is shown of them, and what must never be."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from routing.building import backend, bound, deck, errors, found, model, template

from pipelex_like.deck import NO_POLICY, Costs, ImagePrice, Name, Origin, Policy, Slot, Template, Tier
from pipelex_like.routing import bind, secret_names
from pipelex_like.types import FrozenDict

FILLED = [
    ("${A}", {"A": "one"}, "one"),
    ("${A|B}", {"B": "two"}, "two"),
    ("${A|B}", {"A": " ", "B": "two"}, "two"),
    ("${A:-three}", {}, "three"),
    ("https://${A}/v1", {"A": "host"}, "https://host/v1"),
    ("${A}", {}, None),
    ("${A:-}", {}, None),
    ("x${A}", {}, None),
]


@pytest.mark.parametrize(("text", "variables", "value"), FILLED)
def test_a_key_is_filled_in_or_left_out(text: str, variables: dict[str, str], value: str | None) -> None:
    spec = backend("x", enabled="auto", keys={"organization": text})
    assert bound(deck([spec]), variables).backends["x"].text("organization") == value


def test_a_secret_file_is_read_by_its_name() -> None:
    model_deck = deck([backend("x", enabled="auto", api_key="${X_KEY|secret:x_key}")])
    assert secret_names(model_deck) == {"x_key"}
    one = bound(model_deck, secrets={"x_key": "from-file"}).backends["x"]
    assert (one.state, one.text("api_key"), one.reason) == ("on", "from-file", "secret:x_key is set")


def test_secret_names_are_found_however_deep() -> None:
    deep = model("x", "m", extra=FrozenDict({"a": (template("${secret:deep}"),)}), templated=True)
    spec = backend(
        "x", headers={"auth": "${secret:head}"}, policy=Policy(timeout=template("${secret:t}", scalar="float"))
    )
    assert secret_names(deck([spec], [deep])) == {"deep", "head", "t"}


def test_what_may_be_shown_of_a_value() -> None:
    spec = backend(
        "b",
        sdk="bedrock",
        keys={"aws_bearer_token": "literal-token", "aws_profile": "${P}", "endpoint": "${URL}"},
        headers={"x-team": "${TEAM}", "Authorization": "Bearer literal", "x-plain": "yes"},
        proxy="${PROXY}",
    )
    variables = {"P": "own-team", "URL": "https://u:pw@host:8443/secret/path", "TEAM": "red", "PROXY": "http://p:1"}
    one = bound(deck([spec]), {**variables, "AWS_REGION": "eu-west-3"}).backends["b"]
    assert {name: value.shown for name, value in one.keys.items()} == {
        "aws_bearer_token": "***",
        "aws_profile": "${P}",
        "endpoint": "https://host:8443",
        "aws_region": "eu-west-3",
    }
    assert {name: value.shown for name, value in one.headers.items()} == {
        "x-team": "${TEAM}",
        "Authorization": "***",
        "x-plain": "yes",
    }
    assert one.proxy is not None
    assert (one.proxy.shown, one.proxy.value) == ("${PROXY}", "http://p:1")
    for value in ("literal-token", "own-team", "https://u:pw@host:8443/secret/path", "Bearer literal", "http://p:1"):
        assert value in one.secrets
        assert value not in repr(one)
    assert "eu-west-3" not in one.secrets
    assert "yes" not in one.secrets


def test_a_bare_endpoint_is_no_secret_and_a_literal_with_a_password_is_hidden() -> None:
    plain = bound(deck([backend("x", keys={"endpoint": "${U}"})]), {"U": "https://host.example/v1/"}).backends["x"]
    assert plain.secrets == {"literal-key"}
    spec = backend("x", keys={"endpoint": "https://me:hidden-pw@host/v1"}, proxy="http://me:other-pw@proxy:3128")
    shown = bound(deck([spec])).backends["x"]
    assert shown.keys["endpoint"].shown == "https://host"
    assert shown.proxy is not None
    assert shown.proxy.shown == "http://proxy:3128"
    assert {"other-pw", "hidden-pw"} <= shown.secrets


def test_the_path_of_an_endpoint_is_hidden_by_itself_too() -> None:
    spec = backend("x", keys={"endpoint": "${U}"})
    secrets = bound(deck([spec]), {"U": "https://me:pass-word@host/hidden-path/v1/?q=hidden"}).backends["x"].secrets
    assert {"/hidden-path/v1", "/hidden-path", "pass-word", "q=hidden"} <= secrets
    assert not {"/v1", "host", "https://host"} & secrets


def test_policy_of_a_backend_is_filled_in_and_checked() -> None:
    policy = Policy(
        timeout=template("${T}", Origin("backends.toml", ("x", "timeout")), "float"),
        max_retries=template("${N:-0}", scalar="int"),
        connect_timeout=template("${C}", scalar="float"),
    )
    model_deck = deck([backend("x", policy=policy)])
    got = bound(model_deck, {"T": "2.5"}).backends["x"].policy
    assert (got.timeout, got.max_retries, got.connect_timeout) == (2.5, 0, None)
    for wrong in ("soon", "-1", "inf", "0", "1e300"):
        assert found(model_deck, {"T": wrong}) == [("error", "wrong-type", "x.timeout")]


def test_bounds_of_what_a_variable_gives_are_those_of_the_files() -> None:
    policy = Policy(
        cooldown=template("${C}", Origin("backends.toml", ("x", "cooldown")), "float"),
        max_concurrency=template("${M}", Origin("backends.toml", ("x", "max_concurrency")), "int"),
        max_waiting=template("${W:-0}", scalar="int"),
    )
    model_deck = deck([backend("x", policy=policy)])
    got = bound(model_deck, {"C": "0", "M": "3"}).backends["x"].policy
    assert (got.cooldown, got.max_concurrency, got.max_waiting) == (0, 3, 0)
    assert found(model_deck, {"C": "-1"}) == [("error", "wrong-type", "x.cooldown")]
    assert found(model_deck, {"M": "0"}) == [("error", "wrong-type", "x.max_concurrency")]


def test_a_policy_that_says_nothing_stays_the_same_object() -> None:
    assert bound(deck([backend("x")])).backends["x"].policy is NO_POLICY


def test_a_backend_that_is_off_is_not_blamed_for_its_variables() -> None:
    policy = Policy(timeout=template("${T}", scalar="float"))
    assert found(deck([backend("x", enabled=False, policy=policy)]), {"T": "soon"}) == []


def test_templates_of_a_spec_are_filled_in() -> None:
    costs = Costs(
        tokens=FrozenDict({"input": template("${IN}", scalar="decimal"), "output": Decimal(2)}),
        above=(Tier(input_tokens=10, prices=FrozenDict({"input": template("${IN}", scalar="decimal")})),),
        per_page=template("${PAGE}", scalar="decimal"),
        per_image=(ImagePrice(price=template("${PIC}", scalar="decimal")), ImagePrice(price=Decimal(1), size="1x1")),
    )
    spec = model(
        "x",
        "m",
        template("${DEPLOYMENT}"),
        max_tokens=template("${MOST}", scalar="int"),
        tokens_per_image=template("${MOST}", scalar="int"),
        tokens_per_page=template("${NONE}", scalar="int"),
        extra=FrozenDict({"tag": template("${TAG}"), "none": template("${NONE}"), "deep": ("a", template("${TAG}"))}),
        headers=FrozenDict({"x-h": template("${TAG}")}),
        inputs=("text", template("${WORD}"), template("${NONE}")),
        costs=costs,
        templated=True,
    )
    variables = {"DEPLOYMENT": "dep", "MOST": "64", "TAG": "tagged", "IN": "0.5", "WORD": "images", "PAGE": "0.1"}
    one = bound(deck([backend("x")], [spec]), variables)
    got = one.specs["x"]["m"]
    assert (got.model_id, got.max_tokens, got.inputs) == ("dep", 64, ("text", "images"))
    assert (got.tokens_per_image, got.tokens_per_page) == (64, None)
    assert got.extra == {"tag": "tagged", "deep": ("a", "tagged")}
    assert got.costs.tokens == {"input": Decimal("0.5"), "output": Decimal(2)}
    assert got.costs.above[0].prices == {"input": Decimal("0.5")}
    assert (got.costs.per_page, [item.price for item in got.costs.per_image]) == (Decimal("0.1"), [Decimal(1)])
    assert "tagged" in one.backends["x"].secrets


@pytest.mark.parametrize(
    ("changes", "variables"),
    [
        ({"max_tokens": template("${V}", scalar="int")}, {"V": "many"}),
        ({"max_tokens": template("${V}", scalar="int")}, {"V": "0"}),
        ({"costs": Costs(per_page=template("${V}", scalar="decimal"))}, {"V": "-1"}),
        ({"costs": Costs(per_page=template("${V}", scalar="decimal"))}, {"V": "nan"}),
        ({"enabled": template("${V}", scalar="bool")}, {"V": "perhaps"}),
    ],
)
def test_a_spec_with_a_value_of_another_type_is_an_error(changes, variables) -> None:
    _, problems = bind(deck([backend("x")], [model("x", "m", templated=True, **changes)]), variables)
    assert [problem.code for problem in errors(problems)] == ["wrong-type"]


def test_an_id_without_its_variable_is_the_handle_and_an_sdk_without_it_leaves_the_model_out() -> None:
    models = [
        model("x", "m", template("${ID}"), templated=True),
        model("x", "n", sdk=template("${SDK}"), templated=True),
    ]
    one, problems = bind(deck([backend("x")], models), {})
    assert one.specs["x"]["m"].model_id == "m"
    assert "n" not in one.specs["x"]
    assert [problem.code for problem in problems] == ["missing-variable"]


@given(st.dictionaries(st.sampled_from("ABC"), st.text(max_size=8), max_size=3))
def test_filling_in_never_raises_whatever_the_variables_hold(variables: dict[str, str]) -> None:
    spec = backend(
        "x",
        enabled="${A:-auto}",
        api_key="${A|B}",
        keys={"endpoint": "${B}", "context_size": template("${C}", scalar="int")},
        proxy="${C}",
        models="${B}",
        model_providers="${C}",
        policy=Policy(timeout=template("${A}", scalar="float")),
    )
    bind(deck([spec], [model("x", "m", template("${A}"), templated=True)]), variables)


def test_the_sdks_own_template_is_read_with_names_and_default() -> None:
    one = bound(deck([backend("b", sdk="bedrock")]), {"AWS_REGION_NAME": "eu-north-1", "AWS_PROFILE": "p"}).backends[
        "b"
    ]
    assert one.text("aws_region") == "eu-north-1"
    assert (
        bound(deck([backend("b", sdk="bedrock")]), {"AWS_PROFILE": "p"}).backends["b"].text("aws_region") == "us-east-1"
    )


def test_a_literal_around_a_variable_keeps_both_out_of_sight() -> None:
    auth = Template("Bearer ${T}", ("Bearer ", Slot((Name("env", "T"),))), Origin("b.toml"))
    one = bound(deck([backend("x", headers={"authorization": auth})]), {"T": "tok-123"}).backends["x"]
    assert {"tok-123", "Bearer tok-123"} <= one.secrets
    assert one.headers["authorization"].shown == "Bearer ${T}"


def test_the_line_end_behind_a_variable_is_taken_off_and_one_inside_is_told() -> None:
    model_deck = deck([backend("x", api_key="${K}", headers={"x-team": "${T}"})])
    one = bound(model_deck, {"K": " canary-key\n", "T": "red\r\n"}).backends["x"]
    assert (one.text("api_key"), one.headers["x-team"].value) == ("canary-key", "red")
    (wrong,) = errors(bind(model_deck, {"K": "canary\nkey", "T": "red"})[1])
    assert "K" in wrong.message
    assert "control character" in wrong.message
    assert "canary" not in str(wrong)


def test_the_default_of_a_credential_is_not_shown() -> None:
    text = "${K:-sk-canary-0123456789}"
    one = bound(deck([backend("x", api_key=text, headers={"x-api-key": text})])).backends["x"]
    assert (one.keys["api_key"].shown, one.headers["x-api-key"].shown) == ("${K:-***}", "${K:-***}")
    assert one.text("api_key") == "sk-canary-0123456789"
    assert "sk-canary-0123456789" in one.secrets
    word = bound(deck([backend("x", api_key="${K:-ollama}")])).backends["x"]
    assert "ollama" not in word.secrets


WRONG = [
    ("http://127.0.0.1:99999/v1", "from 1 to 65535"),
    ("https://host:abc/v1", "from 1 to 65535"),
    ("https://host:0/v1", "from 1 to 65535"),
    ("https:///v1", "no host"),
    ("http://:80", "no host"),
    ("https://[::1/v1", "cannot be read"),
    ("api.example.com/v1", "http:// or https://"),
    ("localhost:11434", "http:// or https://"),
]


@pytest.mark.parametrize(("address", "why"), WRONG)
def test_an_address_that_is_none_is_found_when_it_is_filled_in(address: str, why: str) -> None:
    for text, variables in ((address, {}), ("${A}", {"A": address})):
        _, problems = bind(deck([backend("x", keys={"endpoint": text})]), variables)
        (found,) = errors(problems)
        assert (found.code, found.key) == ("bad-endpoint", "x.endpoint")
        assert why in found.message
        assert text in found.message
        assert (address in found.message) == (text == address)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:65535", "https://[::1]:8080/v1", " https://host/v1/ ", "HTTP://Host"]
)
def test_an_address_that_is_one_passes(address: str) -> None:
    _, problems = bind(deck([backend("x", keys={"endpoint": address})]), {})
    assert errors(problems) == []


def test_the_address_of_a_backend_that_is_off_does_not_matter() -> None:
    spec = backend("x", enabled="auto", api_key="${NO_KEY}", keys={"endpoint": "http://host:99999"})
    _, problems = bind(deck([spec]), {})
    assert errors(problems) == []
