from __future__ import annotations

from pathlib import Path

import pytest
from specs.tables import SDKS, Tables, errors, good, the_error

from pipelex_like.deck import ModelDeck, Target
from pipelex_like.documents import Place, load_documents
from pipelex_like.specs import EXCLUSIVE, RENAMES, compile_deck

FULL = """
[aliases]
base = "gpt-5"
smart = ["gpt-5", { model = "base", temperature = 0.3, provider = "openai" }, "claude"]
careful = { model = "smart", temperature = 0.2, timeout = 5, only = ["openai"], description = "slow" }
[waterfalls]
wide = ["a", "b"]
one = "a"
[llm.aliases]
base = "gpt-5"
[llm.waterfalls]
own = ["a"]
[extract.aliases]
ocr = "mistral-ocr"
[img_gen.waterfalls]
draw = ["flux"]
[llm.presets]
write = { model = "smart", fallback = ["a", "b"], temperature = 1, max_tokens = "auto", extra = { a = [1] } }
chain = { model = ["a", { model = "b", top_p = 0.5 }], fallback = "c", max_attempts = 2, provider = "gemini" }
[extract.presets]
read = { model = "ocr", max_nb_images = 100, image_min_size = 50, description = "d" }
[img_gen.presets]
paint = { model = "draw", quality = "high", guidance_scale = 7.5, is_moderated = true, exclude = ["google"] }
[llm]
default_temperature = 0.5
[llm.choice_defaults]
for_text = "write"
for_object = "$write"
default_temperature = 0.5
[llm.choice_overrides]
for_text = "disabled"
for_object = "@smart"
[extract]
choice_default = "read"
[img_gen]
choice_default = "paint"
default_quality = "medium"
[search]
anything = 1
[doc_gen.aliases]
x = 3
"""
BACKENDS = "[openai]\n[google]\nother_names = ['gemini']\n"


@pytest.fixture
def deck(tmp_path: Path) -> ModelDeck:
    return good(tmp_path, Tables(backends=BACKENDS, deck=FULL))


def test_aliases_in_all_tables_and_forms(deck: ModelDeck) -> None:
    forms = {key: (alias.form, [target.reference for target in alias.targets]) for key, alias in deck.aliases.items()}
    assert forms == {
        (None, "base"): ("string", ["gpt-5"]),
        (None, "smart"): ("list", ["gpt-5", "base", "claude"]),
        (None, "careful"): ("table", ["smart"]),
        (None, "wide"): ("list", ["a", "b"]),
        (None, "one"): ("string", ["a"]),
        ("llm", "base"): ("string", ["gpt-5"]),
        ("llm", "own"): ("list", ["a"]),
        ("extract", "ocr"): ("string", ["mistral-ocr"]),
        ("img_gen", "draw"): ("list", ["flux"]),
    }
    element = deck.aliases[None, "smart"].targets[1]
    assert (element.settings, element.provider, element.origin.key) == (
        {"temperature": 0.3},
        "openai",
        "aliases.smart[1]",
    )
    careful = deck.aliases[None, "careful"].targets[0]
    assert (careful.settings, careful.policy.timeout, careful.only) == ({"temperature": 0.2}, 5, ("openai",))
    assert careful.origins["temperature"].key == "aliases.careful.temperature"


def test_presets_of_all_kinds(deck: ModelDeck) -> None:
    write = deck.presets["llm", "write"]
    assert [target.reference for target in write.targets] == ["smart", "a", "b"]
    assert write.settings == {"temperature": 1, "max_tokens": "auto", "extra": {"a": (1,)}}
    assert write.origin.key == "llm.presets.write"
    chain = deck.presets["llm", "chain"]
    assert [(target.reference, dict(target.settings)) for target in chain.targets] == [
        ("a", {}),
        ("b", {"top_p": 0.5}),
        ("c", {}),
    ]
    assert (chain.policy.max_attempts, chain.provider) == (2, "gemini")
    read = deck.presets["extract", "read"]
    assert (read.description, read.settings) == ("d", {"max_nb_images": 100, "image_min_size": 50})
    paint = deck.presets["img_gen", "paint"]
    assert paint.settings["guidance_scale"] == 7.5
    assert paint.exclude == ("google",)
    assert isinstance(paint.targets[0], Target)


def test_choices_and_their_overrides(deck: ModelDeck) -> None:
    assert {key: choice.reference for key, choice in deck.choices.items()} == {
        ("llm", "for_text"): "write",
        ("llm", "for_object"): "@smart",
        ("extract", "default"): "read",
        ("img_gen", "default"): "paint",
    }
    assert deck.choices["llm", "for_object"].origin.key == "llm.choice_overrides.for_object"


def test_tables_of_kinds_that_are_not_served_are_a_note(tmp_path: Path) -> None:
    _, problems = Tables(deck="[search]\nx = 1\n[judgment.presets]\na = 3\n").compiled(tmp_path)
    assert {(problem.severity, problem.key) for problem in problems} == {("note", "search"), ("note", "judgment")}


OLD = """
[llm.presets]
write = { llm_handle = "gpt-5", temperature = 0.5 }
[ocr]
choice_default = "read"
[ocr.presets]
read = { ocr_handle = "mistral-ocr", max_nb_images = 5 }
[img_gen.presets]
paint = { img_gen_handle = "flux", nb_steps = 4 }
[aliases]
wide = [{ llm_handle = "gpt-5", temperature = 1 }]
one = { llm_handle = "gpt-5" }
"""


def test_the_spellings_of_0_11(tmp_path: Path) -> None:
    deck = good(tmp_path, Tables(deck=OLD))
    assert {key: preset.targets[0].reference for key, preset in deck.presets.items()} == {
        ("llm", "write"): "gpt-5",
        ("extract", "read"): "mistral-ocr",
        ("img_gen", "paint"): "flux",
    }
    assert deck.choices["extract", "default"].reference == "read"
    assert deck.aliases[None, "wide"].targets[0].reference == "gpt-5"
    assert deck.presets["extract", "read"].origins["max_nb_images"].key == "ocr.presets.read.max_nb_images"


@pytest.mark.parametrize(
    ("text", "key", "code", "said"),
    [
        ("[aliasse]\na = 'b'", "aliasse", "unknown-key", 'Did you mean "aliases"?'),
        ("[img_gn.presets]", "img_gn", "unknown-key", '"img_gen"'),
        ("[llm.choice_default]\nfor_text = 'a'", "llm.choice_default", "unknown-key", '"choice_defaults"'),
        ("[extract]\nchoice_defualt = 'a'", "extract.choice_defualt", "unknown-key", '"choice_default"'),
        ("llm = 3", "llm", "wrong-type", "a table"),
        ("aliases = 'x'", "aliases", "wrong-type", "a table"),
        ("[aliases]\na = 3", "aliases.a", "wrong-type", "a model's name, a list or a table"),
        ("[aliases]\na = ''", "aliases.a", "empty-text", "names no model"),
        ('[aliases]\na = "b\\nc"', "aliases.a", "control-character", "line break"),
        ("[aliases]\na = []", "aliases.a", "empty-chain", "leads nowhere"),
        ("[aliases]\na = ['b', 3]", "aliases.a[1]", "wrong-type", "a model's name"),
        ("[aliases]\na = ['b', ['c']]", "aliases.a[1]", "wrong-type", "got a list"),
        ("[aliases]\n'' = 'b'", 'aliases.""', "bad-name", "empty"),
        ("[aliases]\ngpt-4.1 = 'b'", "aliases.gpt-4.1", "unquoted-name", 'write "gpt-4.1" = ...'),
        ("[aliases]\na = { temperature = 1 }", "aliases.a", "missing-key", 'Write model = "..."'),
        ("[aliases]\na = { model = 3 }", "aliases.a.model", "wrong-type", "a model's name or a list"),
        ("[aliases]\na = { modle = 'b' }", "aliases.a.modle", "unknown-key", 'Did you mean "model"?'),
        ("[aliases]\na = { model = 'b', tempature = 1 }", "aliases.a.tempature", "unknown-key", '"temperature"'),
        ("[aliases]\na = { model = 'b', temperature = 3 }", "aliases.a.temperature", "bad-setting", "above 2"),
        ("[extract.aliases]\na = { model = 'b', temperature = 1 }", "extract.aliases.a.temperature", "unknown-key", ""),
        ("[aliases]\na = 'b'\n[waterfalls]\na = ['b']", "waterfalls.a", "name-twice", "aliases.a"),
        ("[llm.presets]\na = 'gpt-5'", "llm.presets.a", "wrong-type", 'Write { model = "gpt-5" }.'),
        ("[llm.presets]\na = {}", "llm.presets.a", "missing-key", "names no model"),
        ("[llm.presets]\na.b = { model = 'c' }", "llm.presets.a.b", "unquoted-name", 'write ["a.b"]'),
        ("[llm.presets]\na = { model = {} }", "llm.presets.a.model", "wrong-type", "a model's name or a list"),
        ("[llm.presets]\na = { model = 'b', fallback = [] }", "llm.presets.a.fallback", "empty-chain", "empty"),
        (
            "[llm.presets]\na = { model = 'b', temprature = 1 }",
            "llm.presets.a.temprature",
            "unknown-key",
            '"temperature"',
        ),
        ("[llm.presets]\na = { model = 'b', temperature = '0.5' }", "llm.presets.a.temperature", "bad-setting", "0.5."),
        (
            "[llm.presets]\na = { model = 'b', temperature = true }",
            "llm.presets.a.temperature",
            "bad-setting",
            "a flag",
        ),
        ("[llm.presets]\na = { model = 'b', temperature = nan }", "llm.presets.a.temperature", "bad-setting", "finite"),
        ("[llm.presets]\na = { model = 'b', max_tokens = 0 }", "llm.presets.a.max_tokens", "bad-setting", "below 1"),
        ("[llm.presets]\na = { model = 'b', max_cost = -1 }", "llm.presets.a.max_cost", "out-of-range", "more than 0"),
        ("[llm.presets]\na = { model = 'b', max_cots = 1 }", "llm.presets.a.max_cots", "unknown-key", '"max_cost"'),
        ("[llm.presets]\na = { model = 'b', max_waiting = 1 }", "llm.presets.a.max_waiting", "unknown-key", "backend"),
        ("[llm.presets]\na = { model = 'b', tags = ['x'] }", "llm.presets.a.tags", "unknown-key", "tags=[...]"),
        (
            "[llm.presets]\na = { model = 'b', weights = { opnai = 1 } }",
            "llm.presets.a.weights.opnai",
            "unknown-backend",
            '"openai"',
        ),
        ("[llm.presets]\na = { model = 'b', timeout = 0 }", "llm.presets.a.timeout", "out-of-range", "more than 0"),
        ("[llm.presets]\na = { model = 'b', timeout = '${T}' }", "llm.presets.a.timeout", "no-variable-here", ""),
        (
            "[llm.presets]\na = { model = 'b', provider = 'opnai' }",
            "llm.presets.a.provider",
            "unknown-backend",
            '"openai"',
        ),
        (
            "[llm.presets]\na = { model = 'b', only = ['opnai'] }",
            "llm.presets.a.only[0]",
            "unknown-backend",
            '"openai"',
        ),
        ("[llm.presets]\na = { model = 'b', exclude = 'x' }", "llm.presets.a.exclude", "wrong-type", "a list"),
        (
            "[llm.presets]\na = { model = 'b', extra = { d = 2024-01-01 } }",
            "llm.presets.a.extra.d",
            "wrong-type",
            "date",
        ),
        (
            "[llm.presets]\na = { model = 'b', reasoning_effort = 'hgh' }",
            "llm.presets.a.reasoning_effort",
            "bad-setting",
            "high",
        ),
        (
            "[img_gen.presets]\na = { model = 'b', quality = 'low', nb_steps = 4 }",
            "img_gen.presets.a.nb_steps",
            "exclusive",
            "Keep one",
        ),
        ("[img_gen.presets]\na = { model = 'b', temperature = 1 }", "img_gen.presets.a.temperature", "unknown-key", ""),
        ("[llm.choice_defaults]\nfor_txt = 'a'", "llm.choice_defaults.for_txt", "unknown-key", '"for_text"'),
        ("[llm.choice_defaults]\nfor_text = 3", "llm.choice_defaults.for_text", "wrong-type", "preset or model"),
        ("[llm.choice_defaults]\nfor_text = ''", "llm.choice_defaults.for_text", "empty-text", "names no model"),
        (
            "[llm.choice_defaults]\ndefault_temperature = 9",
            "llm.choice_defaults.default_temperature",
            "bad-setting",
            "2",
        ),
        ("[img_gen]\ndefault_quality = 'best'", "img_gen.default_quality", "bad-setting", "medium"),
        ("[extract]\nchoice_default = []", "extract.choice_default", "wrong-type", "preset or model"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, key: str, code: str, said: str) -> None:
    error = the_error(tmp_path, Tables(backends=BACKENDS, deck=f"{text}\n"))
    assert (error.key, error.code, Path(error.file).name) == (key, code, "base_deck.toml")
    assert said in f"{error.message} {error.hint}"


def test_faulty_entries_are_left_out_and_named(tmp_path: Path) -> None:
    text = "[aliases]\na = 3\nb = 'x'\n[llm.presets]\np = { model = 'b', top_p = 2 }\nq = { model = 'b' }\n"
    tables = Tables(deck=text)
    deck, _ = tables.compiled(tmp_path)
    assert len(errors(tmp_path, tables)) == 2
    assert list(deck.aliases) == [(None, "b")]
    assert list(deck.presets) == [("llm", "q")]
    assert {"a", "p"} <= deck.faulty


def layered(root: Path, far: str, near: str) -> ModelDeck:
    """Give the deck of a directory that extends another."""
    for name, files in {
        "far": {
            "backends.toml": "[openai]\n",
            "backends/openai.toml": "[m]\nsdk = 'openai'\n",
            "deck/base_deck.toml": far,
        },
        "near": {"backends.toml": 'extends = "../far"\n', "deck/base_deck.toml": near},
    }.items():
        for file, text in files.items():
            path = root / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    place = Place(directory=root / "near", root=root / "near", chosen_by="the test")
    documents, problems = load_documents(place, {"HOME": str(root)}, root / "kit", RENAMES, exclusive=EXCLUSIVE)
    deck, more = compile_deck(documents, sdks=SDKS, kit_backends=frozenset)
    assert [str(problem) for problem in problems + more] == []
    return deck


@pytest.mark.parametrize(
    ("far", "near", "target"),
    [
        ("[aliases]\na = 'x'\n", "[waterfalls]\na = ['y']\n", "y"),
        ("[waterfalls]\na = ['x']\n", "[aliases]\na = 'y'\n", "y"),
        ("[aliases]\na = 'x'\n", "[aliases]\na = 'y'\n", "y"),
    ],
)
def test_of_an_alias_and_a_chain_the_nearer_one_wins(tmp_path: Path, far: str, near: str, target: str) -> None:
    alias = layered(tmp_path, far, near).aliases[None, "a"]
    assert (alias.targets[0].reference, alias.layer) == (target, 1)


def test_a_partial_override_is_checked_after_merging(tmp_path: Path) -> None:
    preset = layered(
        tmp_path,
        "[img_gen.presets]\np = { model = 'x', quality = 'low', seed = 1 }\n",
        "[img_gen.presets]\np = { nb_steps = 4 }\n",
    ).presets["img_gen", "p"]
    assert preset.settings == {"seed": 1, "nb_steps": 4}
    assert "near" in preset.origins["nb_steps"].file or preset.origins["nb_steps"].file == "deck/base_deck.toml"
    assert preset.origins["seed"].file != preset.origins["nb_steps"].file


def test_a_directory_without_a_deck_file(tmp_path: Path) -> None:
    error = the_error(tmp_path, Tables(deck=None))
    assert error.code == "ModelDeckNotFoundError"
    assert error.file.endswith("deck")
    assert 'extends = "pipelex_like"' in error.hint


def test_a_variable_in_a_deck_is_told_where_variables_stand(tmp_path: Path) -> None:
    problem = the_error(tmp_path, Tables(deck='[aliases]\na = "${MODEL}"\n'))
    assert problem.code == "no-variable-here"
    assert "backends.toml" in problem.message
