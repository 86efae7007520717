"""`backends`, `profiles` and `deck` as editors: what is written where, what is refused, what stays."""

from __future__ import annotations

import json
import tomllib
from difflib import ndiff
from typing import TYPE_CHECKING

import pytest
from acceptance.directory import write
from click.testing import Result
from typer.testing import CliRunner

from pipelex_like.cli.app import app
from pipelex_like.data import KIT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, with nothing of this machine's own variables."""
    for name in ("PIPELEX_CONFIG_DIR", "PIPELEX_PROFILE", "PIPELEX_ENV", "OPENAI_API_KEY", "FAL_API_KEY", "FAL_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done


def extending(root: Path, **files: str) -> Path:
    texts = {"backends.toml": 'extends = "pipelex_like"\n'}
    texts |= {f"{name.replace('__', '/')}.toml": text for name, text in files.items()}
    return write(root, texts)


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def added(before: str, after: str) -> list[str]:
    lines = list(ndiff(before.splitlines(), after.splitlines()))
    assert not [line for line in lines if line.startswith("- ")]
    return [line[2:] for line in lines if line.startswith("+ ")]


def test_without_a_directory_one_is_made_that_extends_the_kit(home: Path) -> None:
    done = run("backends", "enable", "fal")
    assert ".pipelex/inference is made, which extends the kit" in done.stderr
    assert contents(home) == {
        ".pipelex/inference/backends.toml": b'extends = "pipelex_like"\n\n[fal]\nenabled = true\n'
    }
    assert done.stdout == ".pipelex/inference/backends.toml:4: fal.enabled = true\n"
    assert '"fal" is broken: FAL_API_KEY or FAL_KEY is not set (get a key: https://fal.ai' in done.stderr


def test_a_backend_goes_off_and_on_in_its_own_table_with_every_comment(home: Path) -> None:
    directory = write(home)
    path = directory / "backends.toml"
    text = "# ours\n\n" + path.read_text().replace(
        "[other]\nenabled = true\n", "# the other one\n[other]\n\nenabled   =  true # for now\n"
    )
    path.write_text(text)
    run("backends", "disable", "other")
    assert path.read_text() == text.replace("=  true # for now", "=  false # for now")
    run("backends", "enable", "other", "--auto")
    assert path.read_text() == text.replace("=  true # for now", '=  "auto" # for now')
    done = run("backends", "enable", "other")
    assert path.read_text() == text
    assert "OTHER_API_KEY is not set" in done.stderr
    assert "nothing to change" in run("backends", "enable", "other").stderr


def test_names_of_backends(home: Path) -> None:
    extending(home)
    assert (
        'no backend is named "anthropc". Did you mean "anthropic"?'
        in run("backends", "enable", "anthropc", code=2).stderr
    )
    assert 'another name of "azure_openai"' in run("backends", "disable", "azure", "--dry-run").stderr
    (home / "alone").mkdir()
    write(home / "alone", at="inference")
    done = run("--config-dir", "alone/inference", "backends", "enable", "fal", code=2)
    assert 'stands alone and does not declare "fal"' in done.stderr


def test_the_default_of_the_profile_in_force_cannot_be_switched_off(home: Path) -> None:
    write(home)
    before = contents(home)
    done = run("backends", "disable", "openai", code=1)
    assert "nothing was written" in done.stderr
    assert (
        '.pipelex/inference/routing_profiles.toml:4: profiles.own.default: the default "openai" is off' in done.stderr
    )
    assert contents(home) == before


def test_an_edit_goes_to_the_file_that_has_the_last_word(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = write(home)
    override = directory / "backends_override.toml"
    override.write_text("[internal]\nenabled = true\n")
    run("backends", "disable", "internal")
    assert override.read_text() == "[internal]\nenabled = false\n"
    own = directory / "backends.dev.toml"
    own.write_text("[internal]\nenabled = true\n")
    monkeypatch.setenv("PIPELEX_ENV", "dev")
    assert "counts in the environment dev only" in run("backends", "disable", "internal").stderr
    assert own.read_text() == "[internal]\nenabled = false\n"


def test_a_dry_run_shows_the_difference_and_writes_nothing(home: Path) -> None:
    extending(home)
    before = contents(home)
    done = run("profiles", "use", "sandbox", "--dry-run")
    assert done.stdout == (
        '--- /dev/null\n+++ .pipelex/inference/routing_profiles.toml\n@@ -0,0 +1 @@\n+active = "sandbox"\n'
    )
    assert "nothing was written" in done.stderr
    assert contents(home) == before


def test_profiles_use(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = write(home)
    path = directory / "routing_profiles.toml"
    text = path.read_text()
    done = run("profiles", "use", "elsewhere")
    assert path.read_text() == text.replace('active = "own"', 'active = "elsewhere"')
    assert done.stdout == '.pipelex/inference/routing_profiles.toml:1: active = "elsewhere"\n'
    assert 'Did you mean "elsewhere"?' in run("profiles", "use", "elswhere", code=2).stderr
    monkeypatch.setenv("PIPELEX_PROFILE", "elsewhere")
    assert 'for now "elsewhere" (chosen by PIPELEX_PROFILE) stays' in run("profiles", "use", "own").stderr


def test_profiles_use_tells_what_the_profile_lacks_and_refuses_what_is_off(home: Path) -> None:
    directory = extending(home)
    assert "PIPELEX_INFERENCE_API_KEY is not set" in run("profiles", "use", "pipelex_first").stderr
    (directory / "backends.toml").write_text('extends = "pipelex_like"\n[openai]\nenabled = false\n')
    assert 'the default "openai" is off' in run("profiles", "use", "custom_routing", code=1).stderr


def test_profiles_new(home: Path) -> None:
    directory = write(home)
    path = directory / "routing_profiles.toml"
    text = path.read_text()
    done = run("profiles", "new", "team.eu", "--default", "other", "--fallback-order", "openai, internal")
    assert added(text, path.read_text()) == [
        "",
        '[profiles."team.eu"]',
        'description = "What other serves goes there"',
        'default = "other"',
        'fallback_order = ["openai", "internal"]',
    ]
    assert done.stdout.startswith(".pipelex/inference/routing_profiles.toml:20: ")
    assert "already" in run("profiles", "new", "team.eu", code=2).stderr
    done = run("profiles", "new", "x", "--default", "opneai", code=1)
    assert 'no backend named "opneai". Did you mean "openai"?' in done.stderr


def test_profiles_new_from_another(home: Path) -> None:
    directory = write(home)
    run("profiles", "new", "copy", "--from", "elsewhere", "--default", "openai")
    held = tomllib.loads((directory / "routing_profiles.toml").read_text())["profiles"]
    assert held["copy"]["routes"] == held["elsewhere"]["routes"]
    assert (held["copy"]["default"], held["copy"]["description"]) == ("openai", "Like elsewhere")
    assert 'Did you mean "elsewhere"?' in run("profiles", "new", "y", "--from", "elsewere", code=2).stderr


def test_an_alias_is_set_where_it_stands_else_in_the_overrides(home: Path) -> None:
    directory = write(home)
    deck = directory / "deck" / "base_deck.toml"
    text = deck.read_text()
    run("deck", "alias", "set", "cheap", "gpt-5", "llama")
    assert deck.read_text() == text.replace('cheap = "gpt-4o-mini"', 'cheap = ["gpt-5", "llama"]')
    done = run("deck", "alias", "set", "mine", "cheap")
    assert (directory / "deck" / "overrides.toml").read_text() == '[aliases]\nmine = "cheap"\n'
    assert done.stdout == '.pipelex/inference/deck/overrides.toml:2: aliases.mine = "cheap"\n'
    run("deck", "alias", "set", "fast", "gpt-5", "--kind", "llm")
    assert tomllib.loads((directory / "deck" / "overrides.toml").read_text())["llm"] == {"aliases": {"fast": "gpt-5"}}


def test_an_alias_with_settings_keeps_them_and_a_list_its_comments(home: Path) -> None:
    directory = write(home)
    deck = directory / "deck" / "base_deck.toml"
    text = deck.read_text().replace(
        'cheap = "gpt-4o-mini"', 'cheap = [\n    "gpt-4o-mini", # small\n    # or\n    "gpt-5",\n]'
    )
    deck.write_text(text)
    run("deck", "alias", "set", "careful", "gpt-5")
    changed = text.replace('careful = { model = "smart"', 'careful = { model = "gpt-5"')
    assert deck.read_text() == changed
    run("deck", "alias", "set", "cheap", "gpt-4o-mini")
    assert deck.read_text() == changed.replace('    "gpt-5",\n]', "]")


def test_an_inherited_alias_is_overridden_then_given_back_then_unset(home: Path) -> None:
    directory = extending(home)
    overrides = directory / "deck" / "overrides.toml"
    kit = contents(KIT)
    run("deck", "alias", "set", "base-mistral", "mistral-small")
    assert overrides.read_text() == '[aliases]\nbase-mistral = "mistral-small"\n'
    done = run("deck", "alias", "remove", "base-mistral")
    assert '"base-mistral" is again what pipelex_like/data/inference/deck/base_deck.toml:' in done.stderr
    run("deck", "alias", "remove", "base-mistral")
    assert overrides.read_text().startswith('unset = ["aliases.base-mistral"]\n')
    assert 'there is no alias "base-mistral"' in run("deck", "alias", "remove", "base-mistral", code=2).stderr
    assert contents(KIT) == kit


def test_what_others_need_is_not_removed(home: Path) -> None:
    write(home)
    before = contents(home)
    done = run("deck", "alias", "remove", "cheap", code=1)
    assert 'base_deck.toml:6: llm.presets.write.model: there is no model, alias or chain "cheap"' in done.stderr
    assert contents(home) == before
    assert 'Did you mean "gpt-4o-mini"?' in run("deck", "alias", "set", "cheap", "gpt-4o-mni", code=1).stderr
    assert contents(home) == before


def test_a_preset_is_set_key_by_key(home: Path) -> None:
    directory = write(home)
    deck = directory / "deck" / "base_deck.toml"
    text = deck.read_text()
    run("deck", "preset", "set", "write", "temperature=0.2", "max_tokens=auto", "stop=END", "fallback=gpt-5, llama")
    wanted = 'temperature = 0.2, max_tokens = "auto", stop = "END", fallback = ["gpt-5", "llama"] }'
    assert deck.read_text() == text.replace("temperature = 0.9 }", wanted)
    run("deck", "preset", "set", "draw", "nb_steps=4")
    assert 'draw = { model = "gpt-image-1", nb_steps = 4 }' in deck.read_text()
    run("deck", "preset", "set", "scan", "model=pypdfium2-extract-text", "page_images=true")
    held = tomllib.loads((directory / "deck" / "overrides.toml").read_text())
    assert held == {"extract": {"presets": {"scan": {"model": "pypdfium2-extract-text", "page_images": True}}}}


def test_part_of_an_inherited_preset_is_overridden(home: Path) -> None:
    directory = extending(home)
    done = run("deck", "preset", "set", "llm_to_extract_invoice", "temperature=0", "user=007")
    assert (directory / "deck" / "overrides.toml").read_text() == (
        '[llm.presets]\nllm_to_extract_invoice = { temperature = 0, user = "007" }\n'
    )
    assert "no effect" not in done.stderr
    run("deck", "preset", "remove", "llm_to_extract_invoice")
    assert "[llm.presets]\n" in (directory / "deck" / "overrides.toml").read_text()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("temprature=1", 'Did you mean "temperature"?'),
        ("temperature=warm", "temperature: expected number, got a text."),
        ("temperature=3", "temperature: 3 is above 2."),
        ("reasoning_effort=lots", '"lots" is not one of none, minimal'),
        ("nb_steps=3", "It is a setting of kind img_gen (--kind)."),
        ("temperature", "a setting is KEY=VALUE"),
    ],
)
def test_a_slip_in_a_setting_is_wrong_usage(home: Path, setting: str, said: str) -> None:
    write(home)
    before = contents(home)
    assert said in run("deck", "preset", "set", "write", setting, code=2).stderr
    assert contents(home) == before


def test_a_new_preset_wants_a_model(home: Path) -> None:
    write(home)
    done = run("deck", "preset", "set", "fresh", "temperature=1", "--json", code=1)
    (problem,) = json.loads(done.stdout)["error"]["problems"]
    assert (problem["file"], problem["key"]) == (".pipelex/inference/deck/overrides.toml", "llm.presets.fresh")
    assert not (home / ".pipelex" / "inference" / "deck" / "overrides.toml").exists()


def test_the_answer_as_json(home: Path) -> None:
    write(home)
    record = json.loads(run("deck", "alias", "set", "cheap", "gpt-5", "--json").stdout)
    assert record["written"] is True
    assert record["done"] == [
        {"file": ".pipelex/inference/deck/base_deck.toml", "line": 2, "text": 'aliases.cheap = "gpt-5"'}
    ]
    assert '+cheap = "gpt-5"\n' in record["changes"][0]["diff"]


def test_a_broken_directory_can_be_edited_as_long_as_it_gets_no_worse(home: Path) -> None:
    directory = write(home)
    deck = directory / "deck" / "base_deck.toml"
    deck.write_text(deck.read_text().replace('cheap = "gpt-4o-mini"', 'cheap = "gpt-4o-mni"\nworse = "nobody"'))
    run("deck", "alias", "set", "cheap", "gpt-4o-mini")
    run("deck", "alias", "remove", "worse")
    assert run("validate", code=1).stdout.count("missing-variable") == 2
    run("deck", "alias", "set", "cheap", "nobody", code=1)


def test_the_kit_itself_is_not_edited() -> None:
    kit = contents(KIT)
    assert "packaged kit" in run("--config-dir", str(KIT), "backends", "disable", "fal", code=1).stderr
    assert contents(KIT) == kit


def test_lists_work_as_before_and_options_may_stand_anywhere(home: Path) -> None:
    directory = write(home)
    (home / "empty").mkdir()
    names = [record["name"] for record in json.loads(run("backends", "--json").stdout)]
    assert names == ["openai", "other", "internal"]
    assert "openai" in run("backends").stdout
    assert [record["name"] for record in json.loads(run("profiles", "--json").stdout)] == ["own", "elsewhere"]
    for before, between in [(["--config-dir", str(directory)], []), ([], ["--config-dir", str(directory)])]:
        done = run(*before, "backends", *between, "disable", "other", "--dry-run")
        assert "+enabled = false" in done.stdout
        assert json.loads(run(*before, "profiles", *between, "--json").stdout)
    assert "wants" in run("deck", "alias", "set", "x", "gpt-5", "--kind", "text", code=2).stderr


def test_help_shows_an_example() -> None:
    commands = ["backends enable", "backends disable", "profiles use", "profiles new"]
    commands += [f"deck {noun} {verb}" for noun in ("alias", "preset") for verb in ("set", "remove")]
    for command in commands:
        assert f"Example: pipelex-like {command}" in run(*command.split(), "--help").stdout
