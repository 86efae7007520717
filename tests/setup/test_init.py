"""The plan of a set-up: from facts to files, without a terminal."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelex_like.data import KIT
from pipelex_like.engine.load import Source
from pipelex_like.errors import ConfigError
from pipelex_like.setup.editing.edits import RefusedEditError
from pipelex_like.setup.init.facts import Facts, gather, place_for
from pipelex_like.setup.init.files import kit_files
from pipelex_like.setup.init.keys import fault_of_key
from pipelex_like.setup.init.plan import Plan, Wish, chosen, known_profile, plan
from pipelex_like.setup.lint.findings import examine

SECRET = "sk-live-0123456789abcdef"
TODAY = date(2026, 11, 21)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def environment(project: Path, **variables: str) -> dict[str, str]:
    return {"HOME": str(project.parent / "home"), **variables}


def take(facts: Facts, wish: Wish) -> Plan:
    planned = plan(facts, wish)
    for step in planned.steps:
        step.write()
    return planned


def files(project: Path) -> dict[str, str]:
    return {path.relative_to(project).as_posix(): path.read_text() for path in project.rglob("*") if path.is_file()}


def complaints(project: Path, environ: dict[str, str]) -> list[str]:
    """What `validate --strict` would fail for."""
    source = Source(config_dir=project / ".pipelex" / "inference", environ=environ)
    problems = examine(source, today=TODAY, max_age=timedelta(days=180)).problems
    return [str(problem) for problem in problems if problem.severity != "note"]


def test_a_fresh_directory_writes_only_that_it_extends_the_kit(project: Path) -> None:
    environ = environment(project, OPENAI_API_KEY=SECRET)
    take(gather(None, environ), Wish())
    written = files(project)
    assert set(written) == {".gitignore", ".pipelex/inference/backends.toml"}
    head = written[".pipelex/inference/backends.toml"]
    assert [line for line in head.splitlines() if line and not line.startswith("#")] == ['extends = "pipelex_like"']
    assert complaints(project, environ) == []


def test_what_was_chosen_is_written_with_a_comment_and_twice_is_once(project: Path) -> None:
    environ = environment(project, ANTHROPIC_API_KEY="other")
    wish = Wish(
        backends=("openai", "mistral"),
        values={"OPENAI_API_KEY": SECRET},
        profile="custom_routing",
        choices={"text": "balanced_llm", "object": "cheap_llm_for_object", "image": "gen_image_fast"},
    )
    take(gather(None, environ), wish)
    written = files(project)
    assert (
        "# Not chosen: off, whatever is set.\n[anthropic]\nenabled = false\n"
        in written[".pipelex/inference/backends.toml"]
    )
    assert 'active = "custom_routing"\n' in written[".pipelex/inference/routing_profiles.toml"]
    deck = written[".pipelex/inference/deck/overrides.toml"]
    assert 'for_text = "balanced_llm"' in deck
    assert 'choice_default = "gen_image_fast"' in deck
    assert "for_object" not in deck, "it is what the kit has"
    assert f"OPENAI_API_KEY={SECRET}\n" in written[".env"]
    assert "\nMISTRAL_API_KEY=\n" in written[".env"]
    assert complaints(project, environ) == []

    assert plan(gather(None, environ), wish).steps == ()
    assert plan(gather(None, environ), Wish()).steps == ()
    assert files(project) == written


def test_no_secret_leaves_env_and_none_is_in_a_repr(project: Path) -> None:
    environ = environment(project, ANTHROPIC_API_KEY=SECRET)
    facts = gather(None, environ)
    wish = Wish(backends=("openai",), values={"OPENAI_API_KEY": SECRET})
    take(facts, wish)
    assert [name for name, text in files(project).items() if SECRET in text] == [".env"]
    assert SECRET not in repr(facts)
    assert SECRET not in repr(wish)


@pytest.mark.parametrize(
    ("profile", "full", "keys"),
    [
        ("auto", False, ()),
        ("pipelex_first", False, ("PIPELEX_INFERENCE_API_KEY",)),
        ("custom_routing", False, ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "FAL_KEY")),
        ("custom_routing", True, ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")),
        ("hybrid", False, ("PIPELEX_INFERENCE_API_KEY",)),
        ("hybrid", True, ("PIPELEX_INFERENCE_API_KEY",)),
        ("hybrid", True, ("OPENAI_API_KEY",)),
        ("local", False, ()),
        ("sandbox", True, ("OPENAI_API_KEY",)),
    ],
)
def test_every_written_directory_is_good(project: Path, profile: str, full: bool, keys: tuple[str, ...]) -> None:
    environ = environment(project, **dict.fromkeys(keys, SECRET))
    wish = Wish(backends=("openai", "pipelex_inference"), profile=profile, full=full, choices={"text": "smart_llm"})
    planned = take(gather(None, environ), wish)
    assert complaints(project, environ) == []
    again = plan(gather(None, environ), replace(wish, full=False))
    assert again.steps == ()
    assert again.undone == planned.undone
    in_force = gather(None, environ).active
    assert in_force == ("auto" if planned.undone else profile)


def test_a_profile_whose_default_has_no_key_is_told_and_not_put_in_force(project: Path) -> None:
    planned = take(gather(None, environment(project)), Wish(profile="hybrid"))
    assert len(planned.undone) == 1
    assert 'the profile "hybrid" is not put in force' in planned.undone[0]
    assert "PIPELEX_INFERENCE_API_KEY" in planned.undone[0]
    assert "routing_profiles.toml" not in " ".join(files(project))


def test_full_is_the_kit_word_for_word_and_stands_alone(project: Path) -> None:
    environ = environment(project, OPENAI_API_KEY=SECRET)
    take(gather(None, environ), Wish(full=True))
    folder = project / ".pipelex" / "inference"
    assert {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.toml")} == kit_files()
    assert gather(None, environ).alone
    assert complaints(project, environ) == []
    told = plan(gather(None, environ), Wish(full=True))
    assert told.steps == ()
    assert told.notes


def test_full_over_what_differs_keeps_what_differs(project: Path) -> None:
    environ = environment(project, OPENAI_API_KEY=SECRET, ANTHROPIC_API_KEY=SECRET)
    take(gather(None, environ), Wish(backends=("openai",), profile="custom_routing", choices={"text": "smart_llm"}))
    before = gather(None, environ)
    planned = take(before, Wish(full=True))
    assert not any(step.ask for step in planned.steps)
    after = gather(None, environ)
    assert after.alone
    assert after.active == "custom_routing"
    assert after.deck.backends["anthropic"].state == "off"
    rules = {
        (rule.pattern, rule.backend, rule.optional)
        for rule in after.deck.deck.profiles.profiles["custom_routing"].rules
    }
    assert ("claude-*", "anthropic", True) in rules
    assert complaints(project, environ) == []


def test_an_edited_file_is_asked_for_and_keeps_its_lines(project: Path) -> None:
    environ = environment(project, OPENAI_API_KEY=SECRET)
    take(gather(None, environ), Wish(profile="local"))
    path = project / ".pipelex" / "inference" / "routing_profiles.toml"
    path.write_text(path.read_text() + "\n# mine\n[profiles.own]\n\ndefault = 'openai' # kept\n")
    before = path.read_text()
    (step,) = plan(gather(None, environ), Wish(profile="sandbox")).steps
    assert step.ask
    assert step.change.after == before.replace('active = "local"', 'active = "sandbox"')
    assert plan(gather(None, environ), Wish(profile="local")).steps == ()


def test_what_nobody_edited_is_written_anew_without_asking(project: Path) -> None:
    environ = environment(project, OPENAI_API_KEY=SECRET, ANTHROPIC_API_KEY=SECRET)
    take(gather(None, environ), Wish(backends=("openai",), profile="local"))
    planned = take(gather(None, environ), Wish(backends=("openai", "anthropic"), profile="auto"))
    assert [step.ask for step in planned.steps] == [False, False]
    text = (project / ".pipelex" / "inference" / "backends.toml").read_text()
    assert '# On as soon as its key is set.\n[anthropic]\nenabled = "auto"\n' in text
    assert gather(None, environ).active == "auto"


def test_env_keeps_its_lines_and_is_closed_to_others(project: Path) -> None:
    env = project / ".env"
    env.write_text("# mine\nOTHER=1\nOPENAI_API_KEY=\n")
    env.chmod(0o644)
    planned = take(gather(None, environment(project)), Wish(backends=("openai",), values={"OPENAI_API_KEY": SECRET}))
    assert env.read_text() == f"# mine\nOTHER=1\nOPENAI_API_KEY={SECRET}\n"
    assert env.stat().st_mode & 0o7777 == 0o600
    step = next(step for step in planned.steps if step.change.path == env)
    assert (step.tightened, step.ask) == (0o644, False)
    assert step.what == "OPENAI_API_KEY"


def test_a_closed_env_is_not_opened(project: Path) -> None:
    env = project / ".env"
    env.write_text("OTHER=1\n")
    env.chmod(0o400)
    take(gather(None, environment(project)), Wish(backends=("openai",), values={"OPENAI_API_KEY": SECRET}))
    assert env.stat().st_mode & 0o7777 == 0o400
    env.chmod(0o604)
    planned = take(gather(None, environment(project)), Wish())
    assert [step.change.path for step in planned.steps] == [env]
    assert env.stat().st_mode & 0o7777 == 0o600


def test_keys_are_found_where_they_are(project: Path) -> None:
    (project / ".env").write_text("FAL_KEY=a:b\nOPENAI_API_KEY=sk-...\nMISTRAL_API_KEY=\nPIPELEX_ENV=dev\n")
    (project / ".env.dev").write_text("GROQ_API_KEY=gsk_1\n")
    facts = gather(None, environment(project, ANTHROPIC_API_KEY=SECRET, AWS_ACCESS_KEY_ID="AKIA1"))
    providers = {provider.name: provider for provider in facts.providers}
    found = {name: [(key.name, key.found) for key in each.ways[0]] for name, each in providers.items() if each.begun}
    assert found == {
        "openai": [("OPENAI_API_KEY", ".env")],
        "anthropic": [("ANTHROPIC_API_KEY", "the environment")],
        "fal": [("FAL_KEY", ".env")],
        "groq": [("GROQ_API_KEY", ".env.dev")],
        "bedrock": [("AWS_ACCESS_KEY_ID", "the environment"), ("AWS_SECRET_ACCESS_KEY", "")],
    }
    assert providers["openai"].ways[0][0].placeholder
    assert not providers["bedrock"].ready
    assert not providers["mistral"].begun


def test_what_is_no_secret_may_be_seen(project: Path) -> None:
    providers = {provider.name: provider for provider in gather(None, environment(project)).providers}
    seen = {key.name: key.secret for provider in providers.values() for way in provider.ways for key in way}
    assert {name for name, secret in seen.items() if not secret} == {
        "AI_BASE_URL",
        "AI_MODELS",
        "AWS_PROFILE",
        "AZURE_API_BASE",
        "CLOUDFLARE_ACCOUNT_ID",
        "CLOUDFLARE_GATEWAY_ID",
        "GCP_LOCATION",
        "GCP_PROJECT_ID",
        "LITELLM_PROXY_URL",
        "NEBIUS_API_BASE",
        "OPENAI_API_BASE",
        "OPENAI_BASE_URL",
        "TGI_API_BASE",
        "VLLM_API_BASE",
    }
    assert providers["ollama"].ways == ()


def test_names_are_checked(project: Path) -> None:
    facts = gather(None, environment(project))
    assert chosen(facts, ["azure", "openai", "openai"]) == ("azure_openai", "openai")
    with pytest.raises(RefusedEditError, match=r'no backend is named "opnai"\. Did you mean "openai"'):
        chosen(facts, ["opnai"])
    with pytest.raises(RefusedEditError, match=r'no profile is named "hybird"\. Did you mean "hybrid"'):
        known_profile(facts, "hybird")


def test_a_standing_configuration_is_kept_and_edited_in_its_place(project: Path) -> None:
    folder = project / ".pipelex" / "inference"
    shutil.copytree(KIT, folder)
    routing = folder / "routing_profiles.toml"
    routing.write_text(routing.read_text() + "# mine\n")
    facts = gather(None, environment(project, OPENAI_API_KEY=SECRET))
    assert facts.alone
    (_, step) = plan(facts, Wish(profile="local")).steps
    assert (step.ask, step.change.path) == (True, routing)
    assert step.change.after == routing.read_text().replace('active = "auto"', 'active = "local"')


def test_a_configuration_that_does_not_load_is_left_alone(project: Path) -> None:
    folder = project / ".pipelex" / "inference"
    folder.mkdir(parents=True)
    (folder / "backends.toml").write_text("[openai\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        gather(None, environment(project))


def test_where_it_is_set_up(tmp_path: Path) -> None:
    home, inner = tmp_path / "home", tmp_path / "home" / "work" / "inner"
    inner.mkdir(parents=True)
    environ = {"HOME": str(home)}
    assert place_for(None, environ, inner)[0].directory == inner / ".pipelex" / "inference"
    (home / ".pipelex" / "inference").mkdir(parents=True)
    place, hides = place_for(None, environ, inner)
    assert (place.directory, hides) == (inner / ".pipelex" / "inference", True)
    (home / "work" / ".pipelex" / "inference").mkdir(parents=True)
    place, hides = place_for(None, environ, inner)
    assert (place.directory, place.root, hides) == (home / "work" / ".pipelex" / "inference", home / "work", False)
    for named in (inner, inner / ".pipelex", inner / ".pipelex" / "inference"):
        place, _ = place_for(named, environ, tmp_path)
        assert (place.directory, place.root) == (inner / ".pipelex" / "inference", inner)
    assert place_for(None, {**environ, "PIPELEX_CONFIG_DIR": str(inner)}, tmp_path)[0].root == inner
    with pytest.raises(ConfigError, match="goes with the next version"):
        place_for(KIT, environ, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="this is a file"):
        place_for(tmp_path / "file", environ, tmp_path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (SECRET, ""),
        ("", ""),
        ("sk-...", "placeholder"),
        ("your-key-here", "placeholder"),
        ("two words", "space"),
        ("a\nb", "line break"),
        ("\x1b[200~sk-1", "line break"),
        ("OPENAI_API_KEY=sk-1", "NAME=value"),
        ('"sk-1"', "quotes"),
    ],
)
def test_what_is_no_key_is_told_without_it(text: str, fault: str) -> None:
    told = fault_of_key(text)
    assert fault in told
    assert bool(told) is bool(fault)
    assert not text or text not in told
