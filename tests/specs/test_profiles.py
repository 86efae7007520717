from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from specs.tables import SDKS, Tables, errors, good, the_error

from pipelex_like.deck import Budgets, CacheStore, Policy
from pipelex_like.specs import compile_deck
from pipelex_like.types import FrozenDict

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


def test_what_governs_calls_is_read(tmp_path: Path) -> None:
    text = """[profiles.own]
        max_cost = 0.10
        max_total_tokens = 5000
        reserve_output_tokens = 100
        balance = "weighted"
        weights = { openai = 2, "google/gemini" = 0.5 }
        hedge_after = 1.5
        cache = 60
        coalesce = true
        cooldown = 0
        actions = { invalid_object = "next" }
        """
    policy = good(tmp_path, Tables(backends=BACKENDS, routing=text)).profiles.profiles["own"].policy
    assert policy == Policy(
        max_cost=Decimal("0.1"),
        max_total_tokens=5000,
        reserve_output_tokens=100,
        balance="weighted",
        weights=FrozenDict({"openai": 2, "google/gemini": 0.5}),
        hedge_after=1.5,
        cache=60,
        coalesce=True,
        cooldown=0,
        actions=FrozenDict({"invalid_object": "next"}),
    )
    assert isinstance(policy.max_cost, Decimal)


@pytest.mark.parametrize(("written", "read"), [("true", True), ("false", False), ("2.5", 2.5)])
def test_the_cache_is_a_flag_or_seconds(tmp_path: Path, written: str, read: object) -> None:
    deck = good(tmp_path, Tables(routing=f"[profiles.own]\ncache = {written}\n"))
    cache = deck.profiles.profiles["own"].policy.cache
    assert (cache, type(cache)) == (read, type(read))


def test_budgets_ledger_and_cache(tmp_path: Path) -> None:
    text = """
        [budgets]
        run_max_cost = 1
        day_max_cost = 2.50
        run_max_total_tokens = 10
        day_max_total_tokens = 20
        [ledger]
        path = "logs/usage.sqlite"
        [cache]
        path = "answers.db"
        max_entries = 5
        ttl = 60
        """
    profiles = good(tmp_path, Tables(routing=text)).profiles
    budgets = profiles.budgets
    assert (budgets.run_max_cost, budgets.day_max_cost) == (Decimal(1), Decimal("2.5"))
    assert (budgets.run_max_total_tokens, budgets.day_max_total_tokens) == (10, 20)
    assert profiles.ledger is not None
    assert (profiles.ledger.path, profiles.ledger.origin.key) == ("logs/usage.sqlite", "ledger")
    assert (profiles.cache.path, profiles.cache.max_entries, profiles.cache.ttl) == ("answers.db", 5, 60)


def test_without_their_tables_nothing_is_limited_or_kept_in_files(tmp_path: Path) -> None:
    profiles = good(tmp_path, Tables()).profiles
    assert (profiles.budgets, profiles.ledger, profiles.cache) == (Budgets(), None, CacheStore())
    assert (profiles.cache.path, profiles.cache.max_entries, profiles.cache.ttl) == (None, 1000, None)


@pytest.mark.parametrize(
    ("text", "key", "code", "said"),
    [
        ('actve = "x"', "actve", "unknown-key", 'Did you mean "active"?'),
        ("[budgets]\nrun_max_cots = 1", "budgets.run_max_cots", "unknown-key", '"run_max_cost"'),
        ("[budgets]\nrun_max_cost = 0", "budgets.run_max_cost", "out-of-range", "more than 0"),
        ("[budgets]\nday_max_cost = '2'", "budgets.day_max_cost", "wrong-type", "without quotes: 2"),
        ("[budgets]\nday_max_cost = '${D}'", "budgets.day_max_cost", "no-variable-here", "the number itself"),
        ("[budgets]\nrun_max_total_tokens = 1.5", "budgets.run_max_total_tokens", "wrong-type", "a whole number"),
        ("budgets = 3", "budgets", "wrong-type", "Write [budgets]"),
        ("[ledgr]\npath = 'a.db'", "ledgr", "unknown-key", 'Did you mean "ledger"?'),
        ("[ledger]", "ledger", "missing-key", "Write path ="),
        ("[ledger]\npth = 'a.db'", "ledger.pth", "unknown-key", '"path"'),
        ("[ledger]\npath = 'a.csv'", "ledger.path", "unknown-ending", ".jsonl, .sqlite, .sqlite3 or .db"),
        ("[ledger]\npath = ' '", "ledger.path", "empty-text", "names no file"),
        ("[ledger]\npath = '${HOME}/a.db'", "ledger.path", "no-variable-here", "the path itself"),
        ("[cache]\nmax_entries = 0", "cache.max_entries", "out-of-range", "1 or more"),
        ("[cache]\nttl = 0", "cache.ttl", "out-of-range", "more than 0"),
        ("[cache]\nttl = '${T}'", "cache.ttl", "no-variable-here", "the number itself"),
        ('[cache]\npath = "a\\nb"', "cache.path", "control-character", "take it out"),
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
        ("[profiles.own]\nmax_cost = 0", "profiles.own.max_cost", "out-of-range", "more than 0"),
        ("[profiles.own]\nmax_cots = 1", "profiles.own.max_cots", "unknown-key", 'Did you mean "max_cost"?'),
        ("[profiles.own]\nmax_cost = '${C}'", "profiles.own.max_cost", "no-variable-here", "only in backends.toml"),
        ("[profiles.own]\nmax_concurrency = 1", "profiles.own.max_concurrency", "unknown-key", "in backends.toml"),
        ("[profiles.own]\nbalance = 'cheapst'", "profiles.own.balance", "unknown-word", 'Did you mean "cheapest"?'),
        ("[profiles.own]\nweights = { opneai = 1 }", "profiles.own.weights.opneai", "unknown-backend", '"openai"'),
        (
            "[profiles.own]\nweights = { 'opneai/m' = 1 }",
            'profiles.own.weights."opneai/m"',
            "unknown-backend",
            "openai",
        ),
        ("[profiles.own]\nweights = { openai = -1 }", "profiles.own.weights.openai", "out-of-range", "0 or more"),
        ("[profiles.own]\nweights = { openai = 'x' }", "profiles.own.weights.openai", "wrong-type", "a number"),
        ("[profiles.own]\nhedge_after = 0", "profiles.own.hedge_after", "out-of-range", "more than 0"),
        ("[profiles.own]\ncache = 0", "profiles.own.cache", "out-of-range", "more than 0"),
        ("[profiles.own]\ncache = 'on'", "profiles.own.cache", "wrong-type", "true or false"),
        ("[profiles.own]\ncoalesce = 1", "profiles.own.coalesce", "wrong-type", "true or false"),
        ("[profiles.own]\nledger = { path = 'a.db' }", "profiles.own.ledger", "unknown-key", "at the top of"),
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
