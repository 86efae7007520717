"""`validate`: what is told, in which form, and with which exit code."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from lint.running import arrange, validate

from pipelex_like.cli.validate import annotation
from pipelex_like.data import KIT
from pipelex_like.engine.load import Source
from pipelex_like.errors import Problem
from pipelex_like.setup.lint.codes import CODES, LINT
from pipelex_like.setup.lint.findings import IN_KIT, examine
from pipelex_like.setup.lint.fixes import mend
from pipelex_like.setup.placeholders import looks_like_placeholder

HERE = Path(__file__).parent
CHECKED = date(2026, 11, 21)
HALF_A_YEAR = timedelta(days=180)


def codes(folder: Path, variables: dict[str, str], *arguments: str) -> list[str]:
    return [problem["code"] for problem in validate(folder, variables, "--json", *arguments).record["problems"]]


def test_select_and_ignore(tmp_path: Path) -> None:
    variables = arrange("known_only_where_off", tmp_path)
    assert codes(tmp_path, variables) == ["no-spec-file", "known-only-where-off", "unserved-pin"]
    assert codes(tmp_path, variables, "--select", "unserved-pin,no-spec-file") == ["no-spec-file", "unserved-pin"]
    assert codes(tmp_path, variables, "--ignore", "unserved-pin", "--ignore", "no-spec-file") == [
        "known-only-where-off"
    ]
    assert codes(tmp_path, variables, "--select", "unserved-pin", "--ignore", "unserved-pin") == []


def test_errors_are_told_whatever_is_selected(tmp_path: Path) -> None:
    variables = arrange("unknown_key", tmp_path)
    done = validate(tmp_path, variables, "--ignore", "unknown-key", "--select", "price-old")
    assert "[unknown-key]" in done.stdout
    assert done.exit_code == 1


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_an_unknown_code_is_wrong_usage_and_the_nearest_is_named(option: str, tmp_path: Path) -> None:
    variables = arrange(None, tmp_path)
    done = validate(tmp_path, variables, option, "price-old,unused-alais")
    assert done.exit_code == 2
    assert 'no problem code "unused-alais". Did you mean "unused-alias"?' in done.stderr
    assert validate(tmp_path, variables, "--format", "xml").exit_code == 2


def test_strict_fails_for_warnings_and_not_for_notes(tmp_path: Path) -> None:
    variables = arrange("price_old", tmp_path)
    assert validate(tmp_path, variables).exit_code == 0
    strict = validate(tmp_path, variables, "--strict", "--json")
    assert (strict.exit_code, strict.record["ok"]) == (1, False)
    assert validate(tmp_path, variables, "--strict", "--ignore", "price-old").exit_code == 0


def test_a_note_never_fails(tmp_path: Path) -> None:
    variables = arrange("unused_alias", tmp_path)
    done = validate(tmp_path, variables, "--strict", "--json")
    assert {problem["severity"] for problem in done.record["problems"]} == {"note"}
    assert (done.exit_code, done.record["ok"]) == (0, True)


def test_the_age_of_prices_is_for_the_caller_to_set(tmp_path: Path) -> None:
    variables = arrange("price_old", tmp_path)
    days = (datetime.now(UTC).date() - date(2024, 5, 13)).days
    assert codes(tmp_path, variables, "--max-price-age", str(days + 1)) == []
    assert codes(tmp_path, variables, "--max-price-age", str(days - 30)) == ["price-old"]


def test_github_annotations(tmp_path: Path) -> None:
    variables = arrange("price_old", tmp_path)
    done = validate(tmp_path, variables, "--format", "github")
    assert done.stdout.startswith(
        "::warning file=.pipelex/inference/backends/openai.toml,line=9,title=price-old::"
        'gpt-4o-mini.price_checked: the prices of "gpt-4o-mini", "gpt-4o" were checked'
    )
    assert done.stdout.count("\n") == 1


def test_github_annotations_are_escaped() -> None:
    problem = Problem(
        severity="note", code="x", file="a,b:c%.toml", line=3, key='"50%"', message="one\r\ntwo: 100%", hint="a, b"
    )
    assert annotation(problem) == ('::notice file=a%2Cb%3Ac%25.toml,line=3,title=x::"50%25": one%0D%0Atwo: 100%25 a, b')
    outside = Problem(severity="error", code="x", file="(environment)", message="m")
    assert annotation(outside) == "::error title=x::m"


def test_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    done = validate(tmp_path, {}, "--config-dir", "absent", "--json", "--fix")
    assert done.exit_code == 1
    assert [problem["code"] for problem in done.record["problems"]] == ["directory-not-found"]


@pytest.mark.parametrize("profile", ["auto", "hybrid", "custom_routing", "pipelex_first", "local", "sandbox"])
def test_the_packaged_kit_is_clean(profile: str, tmp_path: Path) -> None:
    report = examine(
        Source(config_dir=KIT, environ={"HOME": str(tmp_path)}, lenient=True),
        profile,
        today=CHECKED,
        max_age=HALF_A_YEAR,
    )
    # Without a key, what a profile names is off: that is the environment's fault and not the kit's.
    keyless = {"disabled-default", "route-to-disabled-backend"}
    assert [problem for problem in report.problems if problem.severity != "note" and problem.code not in keyless] == []


def test_the_packaged_kit_is_clean_under_strict(tmp_path: Path) -> None:
    done = validate(tmp_path, {}, "--strict", "--max-price-age", "100000")
    assert (done.stdout, done.exit_code) == ("", 0)


def test_what_is_left_out_in_the_kit_has_a_reason() -> None:
    assert set(IN_KIT) <= LINT <= set(CODES)
    assert all(IN_KIT.values())


def test_what_is_inherited_from_the_kit_is_not_told_to_those_who_inherit_it(tmp_path: Path) -> None:
    own = tmp_path / ".pipelex" / "inference"
    (own / "deck").mkdir(parents=True)
    (own / "backends.toml").write_text('extends = "pipelex_like"\n', encoding="utf-8")
    (own / "deck" / "own.toml").write_text('[aliases]\nx = ["gpt-4o-mini", "gpt-4o-mini"]\n', encoding="utf-8")
    done = validate(tmp_path, {"OPENAI_API_KEY": "sk-proj-1"}, "--json", "--max-price-age", "0")
    files = {problem["file"] for problem in done.record["problems"]}
    assert files == {".pipelex/inference/deck/own.toml"}


def test_the_file_that_env_file_names_is_looked_at(tmp_path: Path) -> None:
    variables = arrange(None, tmp_path)
    (tmp_path / "team.env").write_text("\nOPENAI_API_KEY=sk-xxx\n", encoding="utf-8")
    del variables["OPENAI_API_KEY"]
    (found,) = validate(tmp_path, variables, "--env-file", "team.env", "--json").record["problems"]
    assert (found["code"], found["file"], found["line"], found["key"]) == (
        "placeholder-key",
        "team.env",
        2,
        "OPENAI_API_KEY",
    )
    assert "xxx" not in str(found)


def test_the_nearest_value_of_a_variable_is_the_one_that_is_judged(tmp_path: Path) -> None:
    variables = arrange(None, tmp_path)
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-xxx\n", encoding="utf-8")
    assert codes(tmp_path, variables) == []
    del variables["OPENAI_API_KEY"]
    (tmp_path / ".env.prod").write_text("# prod\nOPENAI_API_KEY=changeme\n", encoding="utf-8")
    (found,) = validate(tmp_path, {**variables, "PIPELEX_ENV": "prod"}, "--json").record["problems"]
    assert (found["file"], found["line"]) == (".env.prod", 2)


def _texts() -> list[tuple[str, int]]:
    files = sorted((HERE / "base").rglob("*.toml"))
    return [
        (path.relative_to(HERE / "base").as_posix(), line)
        for path in files
        for line in range(len(path.read_text(encoding="utf-8").splitlines()))
    ]


@pytest.mark.parametrize(("name", "line"), _texts())
def test_whatever_line_is_lost_there_is_an_answer(name: str, line: int, tmp_path: Path) -> None:
    variables = arrange(None, tmp_path)
    directory = tmp_path / ".pipelex" / "inference"
    lines = (directory / name).read_text(encoding="utf-8").splitlines()
    for text in ("", lines[line][: len(lines[line]) // 2], lines[line].replace("=", "= {}, #"), "[x]"):
        changed = [*lines[:line], text, *lines[line + 1 :]]
        (directory / name).write_text("\n".join(changed), encoding="utf-8")
        source = Source(config_dir=directory, environ={**variables, "HOME": str(tmp_path)})
        report = examine(source, today=CHECKED, max_age=HALF_A_YEAR)
        chain = mend(report, report.problems) if not report.loaded.documents.unread else None
        assert chain is None or len(chain.mended) <= len(report.problems)


def test_a_broken_directory_is_linted_as_far_as_it_goes(tmp_path: Path) -> None:
    variables = arrange("price_old", tmp_path)
    deck = tmp_path / ".pipelex" / "inference" / "deck" / "more.toml"
    deck.write_text('[aliases]\na = "b"\nb = "a"\n', encoding="utf-8")
    assert codes(tmp_path, variables) == ["price-old", "cycle"]


@pytest.mark.parametrize(
    "text",
    [
        "sk-...",
        "sk-…",
        "your-key-here",
        "your_openai_api_key",
        "YOUR_API_KEY",
        "my-secret-key",
        "xxx",
        "sk-xxx",
        "xxxxxxxxxxxx",
        "changeme",
        "CHANGE_ME",
        "replace-me",
        "<your key>",
        "{{OPENAI}}",
        "placeholder",
        "sk-",
        "AKIAIOSFODNN7EXAMPLE",
        "paste-key-here",
        "********",
    ],
)
def test_placeholders(text: str) -> None:
    assert looks_like_placeholder(text)


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-0a1b2c3d4e5f",
        "sk-ant-api03-Yxxy7",
        "not-needed",
        "dummy",
        "EMPTY",
        "0123456789abcdef:fedcba9876543210",
        "hf_aBcDeFgHiJkLmNoP",
        "AIzaSyxxA-yourself",
        "local",
    ],
)
def test_keys_and_words_for_servers_without_keys(text: str) -> None:
    assert not looks_like_placeholder(text)
