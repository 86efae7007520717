"""The docs say what the code does: keys, settings, commands, links."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pipelex_like.deck.policy import ACTIONS, ERROR_CLASSES, RULES, Rule
from pipelex_like.deck.vocabulary import SETTINGS
from pipelex_like.sandbox.faults import Fault
from pipelex_like.specs import backends, models, profiles, stores, targets
from pipelex_like.workers.registry import SETTINGS as SDKS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "backends").glob("*.md")),
    *sorted((ROOT / "docs" / "reference").glob("*.md")),
    ROOT / "examples/README.md",
]
# Read and left aside, so that older directories load; nobody should write them anew.
FORMER = {"claude_4_tokens_limit", "provider", "model_specs_section"}


def settings_section() -> str:
    lines = ["## Settings", "For presets, aliases, inline tables and calls; one vocabulary for every provider.", ""]
    for kind, settings in SETTINGS.items():
        lines += [f"**{kind}**", "", "| setting | takes | meaning |", "| --- | --- | --- |"]
        for name, setting in settings.items():
            words = f": {', '.join(setting.words)}" if setting.words else ""
            bounds = [f"from {setting.least:g}"] if setting.least is not None else []
            bounds += [f"to {setting.most:g}"] if setting.most is not None else []
            lines.append(f"| `{name}` | {' '.join([setting.form + words, *bounds])} | {setting.meaning} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def test_the_settings_of_the_page_are_those_of_the_code() -> None:
    assert PAGE.endswith(settings_section()), "\n" + settings_section()


@pytest.mark.parametrize(
    "table",
    [
        backends.BackendTable,
        models.ModelTable,
        profiles.ProfileTable,
        targets.PresetTable,
        stores.BudgetsTable,
        stores.LedgerTable,
        stores.CacheTable,
    ],
    ids=lambda table: table.__name__,
)
def test_every_key_that_is_accepted_stands_on_the_page(table: type) -> None:
    fields = table.model_fields  # type: ignore[attr-defined]
    keys = {field.alias or name for name, field in fields.items()} - FORMER
    assert not {key for key in keys if f"`{key}`" not in PAGE and f"`{key} " not in PAGE and f"{key}," not in PAGE}


def default_of(rule: Rule) -> str:
    match rule.default:
        case None:
            return rule.otherwise
        case bool():
            return str(rule.default).lower()
        case _:
            return f"{rule.default:.10g}"


@pytest.mark.parametrize("name", RULES)
def test_what_governs_calls_stands_on_the_page_with_its_default(name: str) -> None:
    rule = RULES[name]
    everywhere, at_backends, at_calls = re.split(
        "\nOn backends only:|\nOn profiles, presets", PAGE.partition("\n## How calls are governed\n")[2]
    )
    table = everywhere if rule.backend and rule.caller else at_backends if rule.backend else at_calls
    takes, default, meaning = re.search(rf"^\| `{name}` \| (.*?) \| (.*?) \| (.*?) \|$", table, re.MULTILINE).groups()
    assert default == default_of(rule)
    assert meaning == rule.meaning
    bound = "above 0" if rule.least is None else f"from {rule.least}"
    assert rule.form in ("word", "flag") or bound in takes or name == "weights"


def test_every_action_stands_on_the_page_with_its_default() -> None:
    assert not {
        word for word, action in ACTIONS.items() if f"| `{word}` | {action} | {ERROR_CLASSES[word]} |" not in PAGE
    }


def test_every_sdk_and_its_keys_stand_on_the_page() -> None:
    names = {sdk.sdk for sdk in SDKS} | {key.name for sdk in SDKS for key in sdk.keys}
    assert not {name for name in names if f"`{name}`" not in PAGE}


def test_every_option_of_a_fault_stands_in_the_docs() -> None:
    page = (ROOT / "docs" / "no-key.md").read_text(encoding="utf-8")
    names = set(Fault.__dataclass_fields__)
    assert not {name for name in names if f"`{name}`" not in page}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_toml_of_the_docs_is_toml(page: Path) -> None:
    for block in re.findall(r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        tomllib.loads(block)


def test_every_command_of_the_docs_exists() -> None:
    from pipelex_like.cli.app import app

    known = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    for page in PAGES:
        used = re.findall(r"^\$ (?:\w+=\S+ )?pipelex-like (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(used) <= known, page
