"""The JSON Schemas take what the loader takes, refuse what it refuses, and are found by the first line of a file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelex_like.data import KIT
from pipelex_like.documents import Name, Names
from pipelex_like.specs.json_schemas import FILE_KINDS, json_schemas, schema_line, schema_text
from pipelex_like.workers.registry import sdk_settings

ROOT = Path(__file__).parents[2]
TAPLO = Path(sys.executable).parent / ("taplo.exe" if sys.platform == "win32" else "taplo")
SCHEMAS = json_schemas(sdk_settings())
PACKAGED = ROOT / "pipelex_like" / "data" / "schemas"
PRINTED = {
    "backends": ["backends.toml"],
    "models": ["openai_spec.toml"],
    "profiles": ["routing_a.toml", "routing_b.toml", "routing_c.toml", "pipelex_first_profile.toml"],
    "deck": [
        "deck_aliases.toml",
        "deck_choices.toml",
        "deck_extract.toml",
        "deck_img_gen.toml",
        "deck_llm.toml",
        "overrides.toml",
    ],
}
DIRECTORIES = [
    KIT,
    ROOT / ".pipelex" / "inference",
    *sorted(path.parent for path in (ROOT / "examples").rglob("backends.toml")),
    *sorted(path.parent for path in (ROOT / "tests" / "forms").rglob("backends.toml")),
]


def taplo(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    assert TAPLO.exists(), 'taplo is not installed beside Python; run: pip install -e ".[all,dev]"'
    command = [str(TAPLO), "lint", "--no-auto-config", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def checked(kind: str, *files: Path) -> subprocess.CompletedProcess[str]:
    return taplo("--schema", (PACKAGED / f"{kind}.json").as_uri(), *files)


def files_of(directory: Path, kind: str) -> list[Path]:
    pattern = {"backends": "backends.toml", "models": "backends/*.toml", "profiles": "routing_profiles.toml"}
    return sorted(directory.glob(pattern.get(kind, "deck/*.toml")))


@pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_taplo_takes_every_file_that_loads(directory: Path) -> None:
    for kind in FILE_KINDS:
        files = files_of(directory, kind)
        done = checked(kind, *files) if files else None
        assert done is None or done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_taplo_takes_the_printed_examples(kind: str) -> None:
    done = checked(kind, *(ROOT / "tests" / "seed" / "printed" / name for name in PRINTED[kind]))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", sorted(KIT.rglob("*.toml")), ids=lambda path: path.relative_to(KIT).as_posix())
def test_a_file_of_the_kit_finds_its_schema_by_its_first_line(file: Path) -> None:
    line = file.read_text(encoding="utf-8").splitlines()[0]
    kind = next(kind for kind in FILE_KINDS if file in files_of(KIT, kind))
    assert line == schema_line(kind, KIT)
    assert (file.parent / line.removeprefix("#:schema ")).resolve() == PACKAGED / f"{kind}.json"


def test_taplo_follows_the_first_lines(tmp_path: Path) -> None:
    (tmp_path / ".schemas").mkdir()
    (tmp_path / "deck").mkdir()
    for kind in FILE_KINDS:
        (tmp_path / ".schemas" / f"{kind}.json").write_text(schema_text(SCHEMAS[kind]), encoding="utf-8")
    deck, profiles = tmp_path / "deck" / "own.toml", tmp_path / "routing_profiles.toml"
    deck.write_text(f'{schema_line("deck", tmp_path)}\n[aliases]\nfast = "gpt-4o-mini"\n', encoding="utf-8")
    profiles.write_text(f'{schema_line("profiles", tmp_path)}\nactive = "auto"\n', encoding="utf-8")
    assert taplo(deck, profiles).returncode == 0
    profiles.write_text(f'{schema_line("profiles", tmp_path)}\nactiv = "auto"\n', encoding="utf-8")
    assert "'activ' was unexpected" in taplo(profiles).stderr


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("backends", '[openai]\napi_kye = "${OPENAI_API_KEY}"\n', "api_kye"),
        ("backends", '[openai]\ntimeout = "30"\n', "30"),
        ("backends", '[openai]\nenabled = "maybe"\n', "maybe"),
        ("backends", "[openai]\nactions = { rate_limit = 'wait' }\n", "wait"),
        ("models", "[gpt-4.1]\nsdk = 'openai'\n", "1"),
        ("models", '["gpt-4.1"]\ncosts = { inputs = 2 }\n', "inputs"),
        ("models", '["gpt-4.1"]\nconstraints = ["temperature_must_be_2"]\n', "temperature_must_be_2"),
        ("models", '["gpt-4.1"]\nstructure_method = "guess"\n', "guess"),
        ("profiles", '[profiles.x]\nroute = { "gpt-*" = "openai" }\n', "route"),
        ("profiles", "[budgets]\nrun_max_cost = 0\n", "0"),
        ("profiles", '[profiles.x]\ntimeout = "${SECONDS}"\n', "SECONDS"),
        ("deck", "[llm.presets]\nx = { model = 'a', temperture = 1 }\n", "temperture"),
        ("deck", "[llm.presets]\nx = { model = 'a', temperature = 3 }\n", "maximum"),
        ("deck", "[aliases]\nx = { modl = 'a' }\n", "modl"),
        ("deck", "[img_gen.presets]\nx = { model = 'a', quality = 'best' }\n", "best"),
    ],
)
def test_taplo_refuses_what_is_misspelt(kind: str, text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text, encoding="utf-8")
    done = checked(kind, file)
    assert done.returncode == 1
    assert said in done.stderr


def test_every_key_has_a_meaning() -> None:
    def lacking(schema: dict[str, object], path: str) -> list[str]:
        found = []
        for key, said in schema.get("properties", {}).items():
            found += [] if "description" in said or "$ref" in said else [f"{path}.{key}"]
            found += lacking(said, f"{path}.{key}")
        return found

    for kind, schema in SCHEMAS.items():
        assert lacking(schema, kind) == []
        for name, definition in schema["definitions"].items():
            assert lacking(definition, f"{kind}: {name}") == []


def test_nothing_stands_beside_a_reference() -> None:
    def walk(value: object) -> None:
        if isinstance(value, dict):
            assert "$ref" not in value or len(value) == 1, value
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(SCHEMAS)


def test_every_reference_leads_to_a_definition() -> None:
    for schema in SCHEMAS.values():
        names = re.findall(r'"#/definitions/([^"]+)"', json.dumps(schema))
        assert set(names) <= schema["definitions"].keys()


def test_names_are_offered_and_bind_nobody(tmp_path: Path) -> None:
    names = Names(
        backends=(Name("acme"),),
        models={"acme": (Name("acme-large", "llm"), Name("acme-draw", "img_gen"))},
        aliases=(Name("quick"), Name("sketch", "img_gen")),
        presets=(Name("write", "llm"),),
        profiles=(Name("office"),),
    )
    found = json_schemas(sdk_settings(), names)
    definitions = {kind: schema["definitions"] for kind, schema in found.items()}

    def words(kind: str, group: str) -> list[str]:
        offered, anything = definitions[kind][f"names-{group}"]["anyOf"]
        assert anything == {"type": "string"}
        return offered["enum"]

    assert words("profiles", "backends") == ["acme"]
    assert words("profiles", "profiles") == ["office"]
    assert words("deck", "targets-llm") == ["quick", "acme-large"]
    assert words("deck", "choices-llm") == ["write", "quick", "acme-large"]
    assert words("deck", "targets-img_gen") == ["quick", "sketch", "acme-draw"]
    assert "acme" in found["backends"]["properties"]
    assert "acme-large" in definitions["profiles"]["Profile"]["properties"]["routes"]["properties"]
    schema, file = tmp_path / "profiles.json", tmp_path / "routing_profiles.toml"
    schema.write_text(schema_text(found["profiles"]), encoding="utf-8")
    file.write_text('active = "office"\n[profiles.other]\ndefault = "another"\n', encoding="utf-8")
    assert taplo("--schema", schema.as_uri(), file).returncode == 0
