from __future__ import annotations

from pathlib import Path

import pytest
from documents.tree import good, load, the_problem, write

DIR = ".pipelex/inference"
KIT: dict[str, str | bytes] = {
    "backends.toml": '[openai]\nenabled = "auto"\napi_key = "${OPENAI_API_KEY}"\n\n[mistral]\nenabled = "auto"\n',
    "backends/openai.toml": "[gpt-5]\nmax_tokens = 100\ncosts = { input = 1, output = 2 }\n",
    "routing_profiles.toml": 'active = "auto"\n[profiles.auto.routes]\n"gpt-*" = "openai"\n"*" = "mistral"\n',
    "deck/base_deck.toml": """\
[aliases]
smart = ["gpt-5"]
[llm.presets]
write = { model = "smart", temperature = 1 }
""",
}
EXTENDS = 'extends = "pipelex_like"\n'


def kit_and_own(root: Path, own: dict[str, str | bytes]) -> Path:
    write(root / "kit", KIT)
    write(root / DIR, {"backends.toml": EXTENDS, **own})
    return root


def place_of(root: Path, document: str, path: tuple[str, ...], environment: str | None = None) -> str:
    documents = good(root, environment=environment)
    raw = documents.specs["openai"] if document == "specs" else getattr(documents, document)
    origin = raw.origin(path)
    return f"{origin.file}:{documents.line(origin.file, origin.path)}"


def test_a_directory_stands_alone(tmp_path: Path) -> None:
    write(tmp_path / "kit", KIT)
    write(tmp_path / DIR, {"backends.toml": "[fal]\n", "deck/x.toml": ""})
    documents = good(tmp_path)
    assert documents.backends.data == {"fal": {}}
    assert documents.routing.data == documents.specs == {}
    assert documents.layers == (tmp_path / DIR,)
    assert documents.routing.origin(("active",)).file == f"{DIR}/routing_profiles.toml"


def test_tables_merge_key_by_key_and_all_else_is_replaced(tmp_path: Path) -> None:
    own = '[aliases]\nsmart = { model = "x" }\nother = "y"\n[llm.presets]\nwrite = { temperature = 0 }\n'
    documents = good(kit_and_own(tmp_path, {"deck/own.toml": own}))
    assert documents.deck.data == {
        "aliases": {"smart": {"model": "x"}, "other": "y"},
        "llm": {"presets": {"write": {"model": "smart", "temperature": 0}}},
    }
    assert documents.layers == (tmp_path / "kit", tmp_path / DIR)


def test_each_value_knows_its_file_line_and_layer(tmp_path: Path) -> None:
    own: dict[str, str | bytes] = {
        "deck/own.toml": "[llm.presets]\nwrite = { temperature = 0 }\n",
        "backends.toml": EXTENDS + "\n[openai]\nenabled = true\n",
        "backends/openai.toml": "[gpt-5.costs]\ninput = 9\n",
    }
    root = kit_and_own(tmp_path, own)
    kit = "pipelex_like/data/inference"
    assert place_of(root, "deck", ("llm", "presets", "write", "temperature")) == f"{DIR}/deck/own.toml:2"
    assert place_of(root, "deck", ("llm", "presets", "write", "model")) == f"{kit}/deck/base_deck.toml:4"
    assert place_of(root, "backends", ("openai", "enabled")) == f"{DIR}/backends.toml:4"
    assert place_of(root, "backends", ("openai", "api_key")) == f"{kit}/backends.toml:3"
    assert place_of(root, "specs", ("gpt-5", "costs", "input")) == f"{DIR}/backends/openai.toml:2"
    assert place_of(root, "specs", ("gpt-5", "costs", "output")) == f"{kit}/backends/openai.toml:3"
    deck = good(root).deck
    assert deck.layer(("llm", "presets", "write", "temperature")) == 1
    assert deck.layer(("llm", "presets", "write", "model")) == 0


def test_a_nearer_files_keys_come_first(tmp_path: Path) -> None:
    own: dict[str, str | bytes] = {
        "backends.toml": EXTENDS + "[mine]\n[mistral]\nenabled = true\n",
        "routing_profiles.toml": '[profiles.auto.routes]\n"z*" = "mine"\n"*" = "mine"\n',
    }
    documents = good(kit_and_own(tmp_path, own))
    assert list(documents.backends.data) == ["mine", "mistral", "openai"]
    profiles = documents.routing.data["profiles"]
    assert isinstance(profiles, dict)
    assert profiles["auto"]["routes"] == {"z*": "mine", "*": "mine", "gpt-*": "openai"}
    assert list(profiles["auto"]["routes"]) == ["z*", "*", "gpt-*"]


def test_the_sequence_of_a_directorys_files(tmp_path: Path) -> None:
    names = [
        "deck/1_llm_deck.toml",
        "deck/base.toml",
        "deck/base_deck.toml",
        "deck/llama-3.1_deck.toml",
        "deck/z.toml",
        "deck/overrides.toml",
        "deck/x_custom_llm_deck.toml",
        "deck/base_deck.dev.toml",
        "deck/overrides.dev.toml",
        "deck/overrides.prod.toml",
    ]
    write(tmp_path / DIR, dict.fromkeys(names, ""))
    merged = [file.shown.removeprefix(f"{DIR}/") for file in good(tmp_path, environment="dev").files]
    assert merged == [
        "deck/base.toml",
        "deck/base_deck.toml",
        "deck/1_llm_deck.toml",
        "deck/llama-3.1_deck.toml",
        "deck/z.toml",
        "deck/overrides.toml",
        "deck/x_custom_llm_deck.toml",
        "deck/base_deck.dev.toml",
        "deck/overrides.dev.toml",
    ]


ENVIRONMENT_FILES: dict[str, str | bytes] = {
    "backends.dev.toml": "[openai]\nenabled = 'dev'\n",
    "backends/openai.dev.toml": "[gpt-5]\nmax_tokens = 7\n",
    "routing_profiles.dev.toml": "active = 'dev'\n",
    "deck/base_deck.dev.toml": "[aliases]\nsmart = 'dev'\n",
}


def test_an_environments_files_of_every_kind(tmp_path: Path) -> None:
    """Their NAME.toml stands in the inherited kit alone; backends.toml stands beside."""
    root = kit_and_own(tmp_path, ENVIRONMENT_FILES)
    awake = good(root, environment="dev")
    assert awake.environment == "dev"
    assert awake.environment_files == {"dev"}
    assert awake.routing.data["active"] == "dev"
    assert place_of(root, "backends", ("openai", "enabled"), "dev") == f"{DIR}/backends.dev.toml:2"
    assert place_of(root, "specs", ("gpt-5", "max_tokens"), "dev") == f"{DIR}/backends/openai.dev.toml:2"
    assert place_of(root, "deck", ("aliases", "smart"), "dev") == f"{DIR}/deck/base_deck.dev.toml:2"
    asleep = good(root, environment="prod")
    assert asleep.routing.data["active"] == "auto"
    assert asleep.environment_files == {"dev"}


def test_an_env_file_counts_as_a_file_of_its_environment(tmp_path: Path) -> None:
    write(tmp_path, {".env.stage": "", f"{DIR}/backends.toml": ""})
    assert good(tmp_path, environment="stage").environment_files == {"stage"}


@pytest.mark.parametrize(
    ("environment", "routing", "severity"),
    [("dev", "", "error"), (None, "[environments]\ndev = 'x'\n", "error"), ("prod", "", "warning")],
)
def test_a_misnamed_environment_file(tmp_path: Path, environment: str | None, routing: str, severity: str) -> None:
    files: dict[str, str | bytes] = {
        "routing_profiles.toml": routing,
        "deck/base_deck.toml": "",
        "deck/base_dekc.dev.toml": "",
    }
    write(tmp_path / DIR, files)
    problem = the_problem(tmp_path, environment=environment)
    assert (problem.severity, problem.file) == (severity, f"{DIR}/deck/base_dekc.dev.toml")
    assert '"base_deck.dev.toml"' in problem.hint


def test_unknown_files_are_warnings(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "backends.toml": "",
        "backend.toml": "",
        "decks/a.toml": "",
        "deck/sub/a.toml": "",
        "pics/a.png": "",
    }
    write(tmp_path / DIR, files)
    _, problems = load(tmp_path)
    assert {problem.severity for problem in problems} == {"warning"}
    hints = {problem.file.removeprefix(f"{DIR}/"): problem.hint for problem in problems}
    assert hints == {
        "backend.toml": 'Did you mean "backends.toml"?',
        "decks": 'Did you mean "deck"?',
        "deck/sub": "",
    }


def test_later_override_files(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "backends.toml": "[openai]\nenabled = false\n",
        "backends_override.toml": "[openai]\nenabled = true\n",
        "routing_profiles.toml": "active = 'a'\n",
        "routing_profiles_override.toml": "active = 'b'\n",
    }
    write(tmp_path / DIR, files)
    documents = good(tmp_path)
    assert documents.backends.data == {"openai": {"enabled": True}}
    assert documents.routing.data == {"active": "b"}


def test_a_chain_of_directories(tmp_path: Path) -> None:
    kit_and_own(tmp_path, {"backends.toml": 'extends = "../team"\n[c]\n'})
    write(tmp_path / ".pipelex" / "team", {"backends.toml": 'extends = "../../company"\n[b]\n'})
    write(tmp_path / "company", {"inference/backends.toml": 'extends = "pipelex_like"\n[a]\n'})
    documents = good(tmp_path)
    assert list(documents.backends.data) == ["c", "b", "a", "openai", "mistral"]
    assert [documents.backends.layer((name,)) for name in "abc"] == [1, 2, 3]


def test_extends_starts_at_the_projects_folder_then_at_the_directory(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(project / DIR, {"backends.toml": 'extends = "../shared"\n'})
    write(project / ".pipelex/shared", {"backends.toml": "[near]\n"})
    assert list(good(project).backends.data) == ["near"]
    write(tmp_path / "shared", {"backends.toml": "[sibling]\n"})
    assert list(good(project).backends.data) == ["sibling"]


def test_extends_may_name_a_project_or_start_at_home(tmp_path: Path) -> None:
    write(tmp_path / "home" / "team" / DIR, {"backends.toml": "[a]\n"})
    write(tmp_path / DIR, {"backends.toml": 'extends = "~/team"\n'})
    assert list(good(tmp_path).backends.data) == ["a"]


def test_a_cycle_prints_its_path(tmp_path: Path) -> None:
    write(tmp_path / DIR, {"backends.toml": 'extends = "a"\n'})
    write(tmp_path / "a", {"backends.toml": '# first\nextends = "../b"\n'})
    write(tmp_path / "b", {"backends.toml": 'extends = "../link"\n'})
    (tmp_path / "link").symlink_to("a")
    documents, (problem,) = load(tmp_path)
    assert (problem.code, problem.file, problem.line) == ("cycle", "b/backends.toml", 1)
    assert "a -> b -> a" in problem.message
    assert len(documents.layers) == 3


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        ('"../nowhere"', "extends-not-found", "nowhere"),
        ('"pipelex-like"', "extends-not-found", 'Did you mean "pipelex_like"?'),
        ('"${TEAM}/inference"', "bad-extends", "variable"),
        ('["a"]', "wrong-type", "pipelex_like"),
        ("true", "wrong-type", "pipelex_like"),
        ('""', "wrong-type", "pipelex_like"),
        ('"a\\u0000b"', "extends-not-found", "no folder"),
    ],
)
def test_extends_that_leads_nowhere(tmp_path: Path, value: str, code: str, words: str) -> None:
    write(tmp_path / DIR, {"backends.toml": f"# which\nextends = {value}\n[openai]\n"})
    documents, (problem,) = load(tmp_path)
    assert (problem.code, problem.line, problem.key) == (code, 2, "extends")
    assert words in str(problem)
    assert documents.backends.data == {"openai": {}}
    assert documents.unread


@pytest.mark.parametrize(
    "name", ["deck/own.toml", "routing_profiles.toml", "backends/openai.toml", "backends.dev.toml"]
)
def test_extends_stands_in_backends_toml_alone(tmp_path: Path, name: str) -> None:
    write(tmp_path / DIR, {"backends.toml": "", name: '\nextends = "pipelex_like"\n'})
    problem = the_problem(tmp_path, environment="dev")
    assert (problem.code, problem.file, problem.line) == ("misplaced-extends", f"{DIR}/{name}", 2)


UNSET = {
    "a route": ("routing_profiles.toml", 'profiles.auto.routes."gpt-*"', ("profiles", "auto", "routes", "gpt-*")),
    "a backend": ("backends.toml", "openai", ("openai",)),
    "a backend's key": ("backends.toml", "openai . 'api_key'", ("openai", "api_key")),
    "a model": ("backends/openai.toml", "gpt-5", ("gpt-5",)),
    "an alias": ("deck/own.toml", "aliases.smart", ("aliases", "smart")),
    "a preset's setting": (
        "deck/own.toml",
        "llm.presets.write.temperature",
        ("llm", "presets", "write", "temperature"),
    ),
}


@pytest.mark.parametrize("what", UNSET)
def test_unset_takes_away_what_came_before(tmp_path: Path, what: str) -> None:
    name, key, path = UNSET[what]
    begin = EXTENDS if name == "backends.toml" else ""
    documents = good(kit_and_own(tmp_path, {name: f"{begin}unset = ['''{key}''']\n"}))
    data: object = {"backends.toml": documents.backends, "routing_profiles.toml": documents.routing}.get(
        name, documents.deck if name.startswith("deck") else documents.specs["openai"]
    ).data
    for part in path[:-1]:
        assert isinstance(data, dict)
        data = data[part]
    assert isinstance(data, dict)
    assert path[-1] not in data


def test_what_is_unset_may_be_written_anew(tmp_path: Path) -> None:
    own = "unset = ['llm.presets.write']\n[llm.presets]\nwrite = { model = 'x' }\n"
    root = kit_and_own(tmp_path, {"deck/own.toml": own})
    assert good(root).deck.data["llm"] == {"presets": {"write": {"model": "x"}}}
    assert place_of(root, "deck", ("llm", "presets", "write", "model")) == f"{DIR}/deck/own.toml:3"


def test_unset_in_a_later_file_of_the_same_directory(tmp_path: Path) -> None:
    own: dict[str, str | bytes] = {
        "deck/own.toml": "[aliases]\na = '1'\n",
        "deck/own.dev.toml": "unset = ['aliases.a']\n",
    }
    assert good(kit_and_own(tmp_path, own), environment="dev").deck.data["aliases"] == {"smart": ["gpt-5"]}


def test_an_unknown_path_to_unset_is_a_warning_with_the_nearest(tmp_path: Path) -> None:
    kit_and_own(tmp_path, {"deck/own.toml": "unset = [\n  'aliases.smart',\n  'llm.presets.wriet',\n]\n"})
    problem = the_problem(tmp_path)
    assert (problem.severity, problem.code, problem.line) == ("warning", "unknown-key", 3)
    assert "'llm.presets.write'" in problem.hint


def test_an_unquoted_dotted_name_to_unset(tmp_path: Path) -> None:
    write(tmp_path / "kit", {"backends.toml": "", "backends/openai.toml": '["gpt-4.1"]\n'})
    write(tmp_path / DIR, {"backends.toml": EXTENDS, "backends/openai.toml": "unset = ['gpt-4.1']\n"})
    assert "'\"gpt-4.1\"'" in the_problem(tmp_path).hint


@pytest.mark.parametrize(
    ("value", "line"),
    [("'aliases.smart'", 1), ("[\n'aliases..smart']", 2), ("['gpt-*']", 1), ("[3]", 1), ("['a\\n']", 1)],
)
def test_malformed_unset(tmp_path: Path, value: str, line: int) -> None:
    kit_and_own(tmp_path, {"deck/own.toml": f"unset = {value}\n"})
    documents, (problem,) = load(tmp_path)
    assert (problem.severity, problem.line) == ("error", line)
    assert "unset" not in documents.deck.data


def test_a_backend_may_be_called_unset_or_extends(tmp_path: Path) -> None:
    write(tmp_path / DIR, {"backends.toml": "[unset]\nenabled = true\n[extends]\nenabled = false\n"})
    assert good(tmp_path).backends.data == {"unset": {"enabled": True}, "extends": {"enabled": False}}


def test_older_spellings_are_renamed_before_merging(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "deck/base_deck.toml": """\
[ocr.presets]
read = { ocr_handle = 'a', max_nb_images = 1 }
more = { ocr_handle = 'c' }
""",
        "deck/overrides.toml": "[extract.presets]\nread = { model = 'b' }\n",
    }
    write(tmp_path / DIR, files)
    documents = good(tmp_path)
    assert documents.deck.data == {
        "extract": {"presets": {"read": {"model": "b", "max_nb_images": 1}, "more": {"model": "c"}}}
    }
    origin = documents.deck.origin(("extract", "presets", "more", "model"))
    assert (origin.file, origin.key) == (f"{DIR}/deck/base_deck.toml", "ocr.presets.more.ocr_handle")
    assert documents.line(origin.file, origin.path) == 3
    assert documents.line(origin.file, ("extract", "presets", "more", "model")) == 3


def test_both_spellings_in_one_table(tmp_path: Path) -> None:
    write(tmp_path / DIR, {"deck/base_deck.toml": "[extract.presets.read]\nmodel = 'a'\nocr_handle = 'b'\n"})
    problem = the_problem(tmp_path)
    assert (problem.code, problem.line) == ("both-spellings", 3)
    assert problem.key == "extract.presets.read.ocr_handle"
    assert '"model"' in problem.message


def test_unset_understands_older_spellings(tmp_path: Path) -> None:
    write(tmp_path / "kit", {"backends.toml": "", "deck/base.toml": "[ocr.presets]\nread = { ocr_handle = 'a' }\n"})
    write(tmp_path / DIR, {"backends.toml": EXTENDS, "deck/own.toml": "unset = ['ocr.presets.read.ocr_handle']\n"})
    assert good(tmp_path).deck.data == {"extract": {"presets": {"read": {}}}}


def test_of_two_keys_that_exclude_each_other_the_nearer_stays(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "deck/base_deck.toml": "[img_gen.presets]\na = { quality = 'low', seed = 1 }\nb = { nb_steps = 4 }\n",
        "deck/overrides.toml": "[img_gen.presets]\na = { nb_steps = 8 }\nb = { quality = 'high' }\n",
    }
    write(tmp_path / DIR, files)
    assert good(tmp_path).deck.data["img_gen"] == {
        "presets": {"a": {"nb_steps": 8, "seed": 1}, "b": {"quality": "high"}}
    }


def test_a_table_over_a_text_over_a_table(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "deck/a.toml": "[aliases]\nx = { model = 'a', seed = 1 }\n",
        "deck/b.toml": "[aliases]\nx = { model = 'b' }\n",
        "deck/c.toml": "[aliases]\nx = 'c'\n",
        "deck/d.toml": "\n[aliases]\nx = { model = 'd' }\n",
    }
    write(tmp_path / DIR, files)
    assert good(tmp_path).deck.data == {"aliases": {"x": {"model": "d"}}}
    assert place_of(tmp_path, "deck", ("aliases", "x", "model")) == f"{DIR}/deck/d.toml:3"


def test_how_files_are_shown(tmp_path: Path) -> None:
    write(tmp_path / "project" / DIR, {"backends.toml": 'extends = "../elsewhere"\n'})
    write(tmp_path / "elsewhere", {"backends.toml": 'extends = "pipelex_like"\n'})
    write(tmp_path / "project" / "kit", {"backends.toml": ""})
    assert [file.shown for file in good(tmp_path / "project").files] == [
        "pipelex_like/data/inference/backends.toml",
        str(tmp_path / "elsewhere" / "backends.toml"),
        f"{DIR}/backends.toml",
    ]


def test_whether_there_is_a_deck(tmp_path: Path) -> None:
    write(tmp_path / DIR, {"backends.toml": ""})
    assert not good(tmp_path).has_deck
    kit_and_own(tmp_path, {})
    assert good(tmp_path).has_deck


def test_lines_of_files_that_were_not_read(tmp_path: Path) -> None:
    write(tmp_path / DIR, {"backends.toml": ""})
    documents = good(tmp_path)
    assert documents.line("elsewhere.toml", ("a",)) is None
    assert documents.line(f"{DIR}/backends.toml", ("a",)) == 1
