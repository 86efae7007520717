"""Directories of Pipelex's in today's words: the same meaning, the same comments, and nothing left for a second run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pipelex_like import ConfigError, Inference, PipelexLikeError
from pipelex_like.setup.migrate.migration import without_secrets
from pipelex_like.setup.migrate.plan import plan
from pipelex_like.setup.migrate.words import Words, present_path

FORMS = Path(__file__).parents[1] / "forms"
VERSIONS = sorted(path.name for path in FORMS.glob("v*") if path.is_dir())
OLD = re.compile(
    r"llm_handle|ocr_handle|img_gen_handle|\[ocr|waterfalls|instructor/|claude_4_tokens_limit|_aioboto|_img_gen\""
)
VARIABLES = (
    *("ANTHROPIC_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AZURE_API_KEY", "FAL_API_KEY"),
    *("AZURE_API_VERSION", "GCP_CREDENTIALS_FILE_PATH", "GCP_LOCATION", "GCP_PROJECT_ID", "GOOGLE_API_KEY", "HF_TOKEN"),
    *("LINKUP_API_KEY", "MINIMAX_API_KEY", "MISTRAL_API_KEY", "OPENAI_API_KEY", "PERPLEXITY_API_KEY", "XAI_API_KEY"),
    *("PIPELEX_GATEWAY_API_KEY", "PORTKEY_API_KEY", "SCALEWAY_API_KEY"),
)
ENVIRON = dict.fromkeys(VARIABLES, "dummy") | {"AZURE_API_BASE": "https://own.openai.azure.example"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "inference"


def routes(directory: Path) -> dict[str, object]:
    """Every name of every kind, and all that is decided about it."""
    found: dict[str, object] = {}
    with Inference.load(directory, environ=ENVIRON) as ai:
        deck = ai.deck
        names = {(kind, name) for kind, name in (*deck.aliases, *deck.presets)}
        names |= {(spec.kind, handle) for specs in ai.specs.values() for handle, spec in specs.items()}
        for kind, name in sorted(names, key=str):
            try:
                route = ai.router.resolve(name, kind=kind)
            except PipelexLikeError as error:
                found[f"{kind} {name}"] = type(error).__name__
            else:
                found[f"{kind} {name}"] = [
                    (each.backend, each.model_id, each.sdk, dict(each.settings), each.adapted)
                    for each in route.candidates
                ] + [str(route.policy)]
        for kind, slot in deck.choices:
            found[f"choice {kind} {slot}"] = ai.router.default(kind, slot)
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_every_form_means_the_same_afterwards(version: str, copy: Path) -> None:
    migration = plan(FORMS / version, {}, to=copy)
    migration.write()
    assert routes(copy) == routes(FORMS / version)
    assert not any(OLD.search(path.read_text()) for path in copy.rglob("*.toml"))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_second_run_changes_nothing(version: str, copy: Path) -> None:
    shutil.copytree(FORMS / version, copy)
    first = plan(copy, {})
    assert first.changed
    assert first.overwrites
    first.write()
    again = plan(copy, {})
    assert not again.changed
    assert again.diff() == ""


def test_comments_blank_lines_and_order_stay(copy: Path) -> None:
    shutil.copytree(FORMS / "v0_11", copy)
    deck = copy / "deck" / "base_deck.toml"
    before = deck.read_bytes()
    noted = b"# ours\r\n\r\n" + before.replace(
        b"[ocr.presets]\n", b"\n# about ocr_handle\n[ocr.presets] # here\n\n"
    ).replace(b"\n", b"\r\n")
    deck.write_bytes(noted)
    plan(copy, {}).write()
    after = deck.read_bytes()
    assert after == noted.replace(b"{ llm_handle", b"{ model").replace(b"{ ocr_handle", b"{ model").replace(
        b"img_gen_handle", b"model"
    ).replace(b"[ocr", b"[extract")


def test_chains_move_to_the_aliases_with_their_comments() -> None:
    text = (
        '[aliases] # names\na = "x"\n\n# our chains\n[waterfalls] # in order\n# first\nb = ["a", "y"]\n\n'
        '[llm.presets]\np = { model = "~b" }\n'
    )
    moved = Words().in_text(text, "deck")
    assert moved == (
        '[aliases] # names\na = "x"\n# our chains\n# in order\n# first\nb = ["a", "y"]\n\n\n'
        '[llm.presets]\np = { model = "~b" }\n'
    )
    alone = '[llm.waterfalls]\nb = ["x", "y"]\n'
    assert Words().in_text(alone, "deck") == alone.replace("waterfalls", "aliases")


def test_words_inside_of_texts_and_of_other_tables_stay() -> None:
    text = '[llm.presets]\nllm_handle = { model = "llm_handle", description = "an llm_handle = [ocr]" }\n# llm_handle\n'
    assert Words().in_text(text, "deck") == text
    assert present_path(("ocr", "presets", "x", "ocr_handle")) == ("extract", "presets", "x", "model")


def test_constraints_that_would_no_longer_add_up_stay() -> None:
    both = '[defaults]\nconstraints = ["temperature_unsupported"]\n[m]\nlisted_constraints = ["top_p_unsupported"]\n'
    assert Words().in_text(both, "specs") == both
    one = '[m]\nconstraints = ["temperature_unsupported"]\n'
    assert Words().in_text(one, "specs") == one.replace("constraints", "listed_constraints")
    assert Words(whole=False).in_text(one, "specs") == one


def test_what_is_not_served_here_is_told_and_stays() -> None:
    migration = plan(FORMS / "v0_92", {})
    told = [(problem.code, problem.key) for problem in migration.notes]
    for key in ("search", "doc_gen", "judgment"):
        assert ("stays", key) in told
    assert ("not-carried-over", "docling-extract-text.sdk") in told
    assert all(problem.line for problem in migration.notes)


def test_patterns_that_are_read_otherwise_are_told(copy: Path) -> None:
    shutil.copytree(FORMS / "v0_18", copy)
    profiles = copy / "routing_profiles.toml"
    profiles.write_text(
        profiles.read_text().replace('"gpt-4*" = "portkey"', '"gpt-*" = "portkey"\n"gpt-5-m*" = "azure_openai"')
    )
    told = [problem for problem in plan(copy, {}).notes if problem.code == "carried-otherwise"]
    assert any('"gpt-5-m*"' in problem.message and '"gpt-5-mini"' in problem.message for problem in told)


def test_a_directory_with_errors_is_left_alone(copy: Path) -> None:
    shutil.copytree(FORMS / "v0_11", copy)
    deck = copy / "deck" / "base_deck.toml"
    deck.write_text(deck.read_text().replace('llm_handle = "o1"', 'llm_handle = "o1", model = "o1"'))
    with pytest.raises(ConfigError, match="older spelling"):
        plan(copy, {})


def test_a_file_that_changes_meanwhile_is_not_overwritten(copy: Path) -> None:
    shutil.copytree(FORMS / "v0_11", copy)
    migration = plan(copy, {})
    deck = copy / "deck" / "base_deck.toml"
    deck.write_text(deck.read_text() + "# new\n")
    with pytest.raises(ConfigError, match="in the meantime"):
        migration.write()
    assert "claude_4_tokens_limit" in (copy / "backends.toml").read_text()


def test_no_literal_key_is_shown() -> None:
    text = '[openai]\napi_key = "sk-secret-1"\nendpoint = "https://u:pw@h/v1" # x\nheaders = { x-api-key = "s3" }\n'
    shown = without_secrets(text)
    assert not any(secret in shown for secret in ("sk-secret-1", "pw@", "s3"))
    kept = '[portkey]\nx-portkey-provider = "@openai"\napi_key = "${PORTKEY_API_KEY}"\n'
    assert without_secrets(kept) == kept
    assert "sk-secret" not in without_secrets('api_key = "sk-secret')
