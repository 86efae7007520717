from __future__ import annotations

from pathlib import Path

import pytest
from specs.tables import SDKS, Tables, errors, good, the_error

from pipelex_like.specs import compile_deck

BACKENDS = "[openai]\n[google]\nother_names = ['gemini']\n"
FULL = """
active = "own"
[profiles.own]
description = "Ours"
default = "openai"
fallback_order = ["google", "openai"]
only = ["openai", "google", "sandbox"]
exclude = ["anthropic"]
failover = true
timeout = 60
max_attempts = 5
[profiles.own.routes]
"gpt-*" = "openai"
"gemini-{2,3}*" = "google"
[profiles.own.optional_routes]
"gpt-oss-*" = "google"
[profiles.own.stand_ins]
"claude-*" = "gpt-5"
"*" = ["sandbox-text", "sandbox-image"]
[profiles.closed]
fallback_order = []
[environments]
dev = "closed"
"""


def test_every_key_is_read(tmp_path: Path) -> None:
    profiles = good(tmp_path, Tables(backends=BACKENDS, routing=FULL)).profiles
    own = profiles.profiles["own"]
    assert (profiles.active, profiles.active_origin.key, profiles.environments) == ("own", "active", {"dev": "closed"})
    assert (own.description, own.default, own.fallback_order) == ("Ours", "openai", ("google", "openai"))
    assert (own.only, own.exclude, own.failover) == (("openai", "google", "sandbox"), ("anthropic",), True)
    assert (own.policy.timeout, own.policy.max_attempts) == (60, 5)
    assert [(rule.pattern, rule.backend, rule.optional) for rule in own.rules] == [
        ("gpt-*", "openai", False),
        ("gemini-{2,3}*", "google", False),
        ("gpt-oss-*", "google", True),
    ]
    assert own.rules[0].origin.key == 'profiles.own.routes."gpt-*"'
    assert [(one.pattern, one.handles) for one in own.stand_ins] == [
        ("claude-*", ("gpt-5",)),
        ("*", ("sandbox-text", "sandbox-image")),
    ]
    assert own.where("default").key == "profiles.own.default"
    closed = profiles.profiles["closed"]
    assert (closed.fallback_order, closed.default, closed.only) == ((), None, None)


def test_no_file_is_no_profile(tmp_path: Path) -> None:
    profiles = good(tmp_path, Tables()).profiles
    assert profiles.active is None
    assert not profiles.profiles


@pytest.mark.parametrize(
    ("text", "key", "code", "said"),
    [
        ('actve = "x"', "actve", "unknown-key", 'Did you mean "active"?'),
        ("[budgets]\nrun_max_cost = 1", "budgets", "not-yet-supported", "no effect in this version"),
        ('active = "onw"\n[profiles.own]', "active", "unknown-profile", 'Did you mean "own"?'),
        ("active = 3", "active", "wrong-type", "the name of a profile"),
        ('[profiles.own]\n[environments]\ndev = "owm"', "environments.dev", "unknown-profile", '"own"'),
        ("[environments]\ndev = 1", "environments.dev", "wrong-type", "the name of a profile"),
        ("environments = 1", "environments", "wrong-type", "a table"),
        ("profiles = []", "profiles", "wrong-type", "a table"),
        ("[profiles]\nown = 3", "profiles.own", "wrong-type", "a profile's table"),
        ('[profiles.""]', 'profiles.""', "bad-name", "empty"),
        ("[profiles.my.own]\ndefault = 'openai'", "profiles.my.own", "unquoted-name", 'write ["my.own"]'),
        ("[profiles.own]\ndefualt = 'openai'", "profiles.own.defualt", "unknown-key", '"default"'),
        ("[profiles.own]\ndefault = 'opneai'", "profiles.own.default", "unknown-backend", 'Did you mean "openai"?'),
        ("[profiles.own]\ndefault = 'anthropc'", "profiles.own.default", "unknown-backend", '"anthropic"'),
        ("[profiles.own]\ndefault = 'gemini'", "profiles.own.default", "unknown-backend", 'Write "google"'),
        ("[profiles.own]\nfallback_order = ['x']", "profiles.own.fallback_order[0]", "unknown-backend", '"x"'),
        ("[profiles.own]\nonly = ['gogle']", "profiles.own.only[0]", "unknown-backend", '"google"'),
        ("[profiles.own]\nexclude = ['gogle']", "profiles.own.exclude[0]", "unknown-backend", '"google"'),
        ("[profiles.own]\nonly = 'google'", "profiles.own.only", "wrong-type", "a list, got a text"),
        ("[profiles.own]\nfailover = 1", "profiles.own.failover", "wrong-type", "true or false"),
        ("[profiles.own]\nvia = 'x'", "profiles.own.via", "unknown-gateway", "leave it out"),
        ("[profiles.own]\nmax_cost = 1", "profiles.own.max_cost", "not-yet-supported", "leave it out"),
        ("[profiles.own]\ntimeout = '${T}'", "profiles.own.timeout", "no-variable-here", "only in backends.toml"),
        ("[profiles.own]\nmax_attempts = 0", "profiles.own.max_attempts", "out-of-range", "1 or more"),
        ("[profiles.own.routes]\n'a*' = 'opneai'", 'profiles.own.routes."a*"', "unknown-backend", '"openai"'),
        ("[profiles.own.routes]\n'a*' = 3", 'profiles.own.routes."a*"', "wrong-type", "the name of a backend"),
        ("[profiles.own.routes]\n'' = 'openai'", 'profiles.own.routes.""', "bad-name", "empty"),
        ("[profiles.own.routes]\ngpt-4.1 = 'openai'", "profiles.own.routes.gpt-4.1", "unquoted-name", '"gpt-4.1" ='),
        (
            "[profiles.own.routes]\na = 'openai'\n[profiles.own.optional_routes]\na = 'google'",
            "profiles.own.optional_routes.a",
            "route-twice",
            "Keep it in one",
        ),
        ("[profiles.own.stand_ins]\na = []", "profiles.own.stand_ins.a", "wrong-type", "a list of such names"),
        ("[profiles.own.stand_ins]\na = ['b', 3]", "profiles.own.stand_ins.a", "wrong-type", "the name of a model"),
        ("[profiles.own.stand_ins]\na.b = 'c'", "profiles.own.stand_ins.a.b", "unquoted-name", 'write "a.b" ='),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, key: str, code: str, said: str) -> None:
    error = the_error(tmp_path, Tables(backends=BACKENDS, routing=f"{text}\n"))
    assert (error.key, error.code, Path(error.file).name) == (key, code, "routing_profiles.toml")
    assert said in f"{error.message} {error.hint}"


def test_a_faulty_profile_keeps_what_is_good_and_is_named(tmp_path: Path) -> None:
    text = (
        'active = "own"\n[profiles.own]\ndefault = "openai"\nonly = 3\n[profiles.own.routes]\na = "no"\nb = "openai"\n'
    )
    deck, problems = Tables(routing=text).compiled(tmp_path)
    assert len(problems) == 2
    own = deck.profiles.profiles["own"]
    assert (own.default, own.only, [rule.pattern for rule in own.rules]) == ("openai", None, ["b"])
    assert deck.profiles.active == "own"
    assert "own" in deck.faulty


def test_a_backend_that_only_the_kit_knows_may_be_named(tmp_path: Path) -> None:
    good(tmp_path, Tables(routing='[profiles.own]\ndefault = "anthropic"\n'))


def test_the_kit_is_asked_only_for_names_that_the_directory_lacks(tmp_path: Path) -> None:
    def never() -> frozenset[str]:
        raise AssertionError("asked")

    documents, _ = Tables(
        backends=BACKENDS, routing=FULL.replace(', "sandbox"', "").replace('"anthropic"', "")
    ).documents(tmp_path)
    _, problems = compile_deck(documents, sdks=SDKS, kit_backends=never)
    assert not [problem for problem in problems if problem.severity == "error"]


def test_a_backends_file_that_cannot_be_read_is_not_held_against_those_who_name_its_backends(tmp_path: Path) -> None:
    found = errors(tmp_path, Tables(backends="[broken", routing='[profiles.own]\ndefault = "mine"\n'))
    assert [Path(error.file).name for error in found] == ["backends.toml"]
