from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from specs.tables import Tables, errors, good, the_error

from pipelex_like.deck import Constraints, Costs, ImagePrice, ModelSpec, Template, Tier
from pipelex_like.errors import Problem
from pipelex_like.specs import named_sdks

HEAD = 'default_sdk = "openai"\n'
FULL = """
default_sdk = "openai"
default_prompting_target = "openai"
[gpt-5]
sdk = "openai_responses"
model_id = "gpt-5-2025"
model_type = "llm"
inputs = ["text", "images", "pdf"]
outputs = ["text", "structured"]
costs = { input = 1.25, output = 10, input_cached = 0.125, per_page = 0.004, per_image = 0.04 }
max_tokens = 128000
context_window = 400000
max_prompt_images = 0
tokens_per_image = 765
tokens_per_page = 1500
prompting_target = "anthropic"
listed_constraints = ["thinking_cannot_be_disabled", "top_p_unsupported"]
valued_constraints = { fixed_temperature = 1, min_thinking_budget = 1024, max_thinking_budget = 24576 }
structure_method = "instructor/openai_responses_tools"
thinking_mode = "adaptive"
variant = "fal-ai"
x-portkey-provider = "@openai"
extra = { store = false, tags = ["a"] }
enabled = false
retired = true
price_checked = 2025-11-01
[gpt-5.rules]
prompt = "positive_only"
[bare]
"""


def spec(root: Path, text: str, handle: str = "m") -> ModelSpec:
    return good(root, Tables(spec=HEAD + text)).specs["openai"][handle]


def test_every_key_is_read(tmp_path: Path) -> None:
    model = spec(tmp_path, FULL.replace(HEAD, ""), "gpt-5")
    assert (model.backend, model.handle, model.sdk, model.model_id) == (
        "openai",
        "gpt-5",
        "openai_responses",
        "gpt-5-2025",
    )
    assert (model.kind, model.inputs, model.outputs) == ("llm", ("text", "images", "pdf"), ("text", "structured"))
    assert (model.max_tokens, model.context_window, model.max_prompt_images) == (128000, 400000, 0)
    assert (model.tokens_per_image, model.tokens_per_page) == (765, 1500)
    assert (model.prompting_target, model.structure_method, model.thinking_mode) == ("anthropic", "tools", "adaptive")
    assert model.constraints == Constraints(
        fixed_temperature=1,
        thinking_cannot_be_disabled=True,
        min_thinking_budget=1024,
        max_thinking_budget=24576,
        unsupported=frozenset({"top_p"}),
    )
    assert model.variant == "fal-ai"
    assert model.headers == {"x-portkey-provider": "@openai"}
    assert model.extra == {"store": False, "tags": ("a",)}
    assert model.rules == {"prompt": "positive_only"}
    assert (model.enabled, model.retired, model.price_checked) == (False, True, "2025-11-01")
    assert (model.listed, model.templated) == (True, False)
    assert model.origin.key == "gpt-5"
    assert str(model.costs.tokens["input_cached"]) == "0.125"


def test_a_bare_table_takes_what_the_file_has_in_common(tmp_path: Path) -> None:
    model = spec(tmp_path, FULL.replace(HEAD, ""), "bare")
    assert (model.sdk, model.model_id, model.prompting_target, model.kind) == ("openai", "bare", "openai", "llm")
    assert model.costs == Costs()
    assert not model.costs.known


def test_defaults_are_overridden_key_by_key(tmp_path: Path) -> None:
    text = """
[defaults]
model_type = "img_gen"
sdk = "fal"
thinking_mode = "manual"
structure_method = "instructor/genai_structured_outputs"
valued_constraints = { fixed_temperature = 0.5 }
max_tokens = 5
x-a = "1"
["flux/v1.1"]
x-b = "2"
[talk]
model_type = "llm"
sdk = "openai"
max_tokens = "auto"
constraints = ["temperature_must_be_1"]
valued_constraints = {}
"""
    models = good(tmp_path, Tables(spec=HEAD + text)).specs["openai"]
    flux, talk = models["flux/v1.1"], models["talk"]
    assert (flux.kind, flux.sdk, flux.max_tokens, flux.structure_method) == ("img_gen", "fal", 5, "schema")
    assert (flux.constraints.fixed_temperature, talk.constraints.fixed_temperature) == (0.5, 1)
    assert flux.headers == {"x-a": "1", "x-b": "2"}
    assert (talk.kind, talk.sdk, talk.max_tokens, talk.thinking_mode) == ("llm", "openai", "auto", "manual")


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("openai", "openai"),
        ("azure_openai_responses", "azure_openai_responses"),
        ("bedrock_anthropic", "bedrock"),
        ("bedrock_boto3", "bedrock"),
        ("bedrock_aioboto3", "bedrock"),
        ("bedrock_aioboto", "bedrock"),
        ("openai_img_gen", "openai"),
        ("openai_alt_img_gen", "openai"),
        ("azure_rest", "azure_openai"),
        ("azure_rest_img_gen", "azure_openai"),
        ("huggingface_img_gen", "huggingface"),
        ("openrouter_img_gen", "openrouter_img_gen"),
        ("portkey_completions", "openai"),
        ("portkey_responses", "openai_responses"),
        ("docling_sdk", "docling_sdk"),
        ("linkup_fetch", "linkup_fetch"),
        ("rapidocr", "rapidocr"),
    ],
)
def test_names_of_sdks_become_ours(tmp_path: Path, word: str, ours: str) -> None:
    assert spec(tmp_path, f'[m]\nsdk = "{word}"\n').sdk == ours


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ('model_type = "text_extractor"\noutputs = ["text"]', "extract"),
        ('model_type = "img_gen"', "img_gen"),
        ('outputs = ["image", "text"]', "llm"),
        ('outputs = ["structured"]', "llm"),
        ('outputs = ["pages", "image"]', "extract"),
        ('outputs = ["image"]', "img_gen"),
        ("", "llm"),
        ('sdk = "pypdfium2"', "extract"),
    ],
)
def test_the_kind(tmp_path: Path, lines: str, kind: str) -> None:
    assert spec(tmp_path, f"[m]\n{lines}\n").kind == kind


@pytest.mark.parametrize(
    "lines",
    [
        'model_type = "search"\nsdk = "nobody_knows"',
        'model_type = "doc_gen"',
        'model_type = "judgment"',
        'outputs = ["sourced-answers"]',
        'outputs = ["audio"]',
    ],
)
def test_kinds_that_are_not_served_are_left_out_with_a_note(tmp_path: Path, lines: str) -> None:
    deck, problems = Tables(spec=f'{HEAD}[m]\n{lines}\n["n"]\n').compiled(tmp_path)
    assert [(problem.severity, problem.code, problem.key) for problem in problems] == [("note", "kind-not-served", "m")]
    assert list(deck.specs["openai"]) == ["n"]
    assert "m" in deck.faulty


def test_unknown_words_are_a_note_and_the_model_stays(tmp_path: Path) -> None:
    deck, problems = Tables(spec=HEAD + '[m]\ninputs = ["text", "audoi"]\noutputs = ["txt"]\n').compiled(tmp_path)
    notes = {problem.key: problem for problem in problems}
    assert {problem.severity for problem in problems} == {"note"}
    assert notes["m.inputs"].hint == 'Did you mean "audio"?'
    assert deck.specs["openai"]["m"].inputs == ("text", "audoi")
    assert "m.outputs" in notes


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("schema", "schema"),
        ("json", "json"),
        ("instructor/json", "json"),
        ("instructor/anthropic_reasoning_tools", "tools"),
        ("instructor/vertexai_tools", "tools"),
        ("instructor/openrouter_structured_outputs", "schema"),
    ],
)
def test_ways_to_get_an_object(tmp_path: Path, word: str, ours: str) -> None:
    assert spec(tmp_path, f'[m]\nstructure_method = "{word}"\n').structure_method == ours


@pytest.mark.parametrize(
    ("text", "prices"),
    [
        ("0.04", [(None, None, "0.04")]),
        ("1", [(None, None, "1")]),
        ('{ "1024x1024" = 0.04, "512x512" = 0.02 }', [("1024x1024", None, "0.04"), ("512x512", None, "0.02")]),
        ("{ low = 0.01, high = 0.17 }", [(None, "low", "0.01"), (None, "high", "0.17")]),
        (
            '{ "1024x1024" = { low = 0.011, high = 0.167 }, "1536x1024" = 0.2 }',
            [("1024x1024", "low", "0.011"), ("1024x1024", "high", "0.167"), ("1536x1024", None, "0.2")],
        ),
        ('{ low = { "1024x1024" = 0.011 } }', [("1024x1024", "low", "0.011")]),
    ],
)
def test_prices_of_a_picture(tmp_path: Path, text: str, prices: list[tuple[str | None, str | None, str]]) -> None:
    model = spec(tmp_path, f"[m]\ncosts = {{ per_image = {text} }}\n")
    assert model.costs.per_image == tuple(
        ImagePrice(price=Decimal(price), size=size, quality=quality) for size, quality, price in prices
    )


def test_prices_are_decimals_of_the_text(tmp_path: Path) -> None:
    costs = spec(
        tmp_path,
        "[m]\ncosts = { input = 0.1, output = 2.5e-7, reasoning = 3, cache_write_1h = 0, output_reasoning = 9, "
        "above = [{ input_tokens = 200000, input = 0.3 }], per_page = 0.001 }\n",
    ).costs
    assert costs.tokens == {
        "input": Decimal("0.1"),
        "output": Decimal("2.5E-7"),
        "reasoning": Decimal(3),
        "cache_write_1h": Decimal(0),
    }
    assert costs.above == (Tier(input_tokens=200000, prices=costs.above[0].prices),)
    assert costs.above[0].prices == {"input": Decimal("0.3")}
    assert costs.per_page == Decimal("0.001")


def test_prices_of_older_files(tmp_path: Path) -> None:
    text = (
        "[m]\ncosts = { input = 1, input_non_cached = 1, input_joined = 1, output_reasoning = 2.5 }\n[n]\ncosts = {}\n"
    )
    models = good(tmp_path, Tables(spec=HEAD + text)).specs["openai"]
    assert models["m"].costs.tokens == {"input": Decimal(1), "reasoning": Decimal("2.5")}
    assert not models["n"].costs.known


def test_variables_stand_wherever_a_text_stands(tmp_path: Path) -> None:
    text = """
[m]
model_id = "x-${ID}"
sdk = "${SDK}"
inputs = ["text", "${MORE}"]
max_tokens = "${MOST}"
context_window = "${WINDOW}"
costs = { input = "${PRICE}", per_image = { low = "${LOW}" }, above = [{ input_tokens = 5, output = "${UP}" }] }
enabled = "${ON}"
x-tenant = "${TENANT}"
extra = { deep = [{ at = "${EXTRA}" }] }
[n]
model_id = "$${plain}"
"""
    models = good(tmp_path, Tables(spec=HEAD + text)).specs["openai"]
    model = models["m"]
    assert model.templated
    found = {
        "sdk": model.sdk,
        "model_id": model.model_id,
        "inputs": model.inputs[1],
        "max_tokens": model.max_tokens,
        "window": model.context_window,
        "price": model.costs.tokens["input"],
        "low": model.costs.per_image[0].price,
        "up": model.costs.above[0].prices["output"],
        "enabled": model.enabled,
        "header": model.headers["x-tenant"],
    }
    scalars = {name: value.scalar for name, value in found.items() if isinstance(value, Template)}
    assert scalars == {
        "sdk": "str",
        "model_id": "str",
        "inputs": "str",
        "max_tokens": "int",
        "window": "int",
        "price": "decimal",
        "low": "decimal",
        "up": "decimal",
        "enabled": "bool",
        "header": "str",
    }
    assert (models["n"].model_id, models["n"].templated) == ("${plain}", False)


def test_a_variable_of_the_defaults_keeps_its_own_place(tmp_path: Path) -> None:
    model = spec(tmp_path, '[defaults]\nmax_tokens = "${MOST}"\n[m]\n')
    assert isinstance(model.max_tokens, Template)
    assert model.max_tokens.origin.key == "defaults.max_tokens"


@pytest.mark.parametrize(
    ("line", "key", "code", "said"),
    [
        ("max_tokns = 5", "m.max_tokns", "unknown-key", 'Did you mean "max_tokens"?'),
        ("nonsense = 5", "m.nonsense", "unknown-key", "is no key of this table"),
        ("max_tokens = 0", "m.max_tokens", "out-of-range", "1 or more"),
        ('max_tokens = "4096"', "m.max_tokens", "wrong-type", "Write it without quotes: 4096."),
        ('max_tokens = "atuo"', "m.max_tokens", "wrong-type", 'Did you mean "auto"?'),
        ("max_tokens = 4.5", "m.max_tokens", "wrong-type", "a whole number"),
        ("max_tokens = true", "m.max_tokens", "wrong-type", "got true or false"),
        ("context_window = 0", "m.context_window", "out-of-range", "1 or more"),
        ('context_window = "${"', "m.context_window", "bad-template", "never closed"),
        ("max_prompt_images = -1", "m.max_prompt_images", "out-of-range", "0 or more"),
        ('model_type = "lmm"', "m.model_type", "unknown-word", 'Did you mean "llm"?'),
        ('model_type = "${X}"', "m.model_type", "no-variable-here", "no variable"),
        ('outputs = ["${X}"]', "m.outputs[0]", "no-variable-here", "no variable"),
        ('outputs = "text"', "m.outputs", "wrong-type", "a list, got a text"),
        ("inputs = [1]", "m.inputs[0]", "wrong-type", "a text, got a whole number"),
        ('sdk = "opneai"', "m.sdk", "unknown-sdk", 'Did you mean "openai"?'),
        ("sdk = 1", "m.sdk", "wrong-type", "a text"),
        ('model_id = ""', "m.model_id", "empty-text", "empty"),
        ('model_id = "a\\r\\nb"', "m.model_id", "control-character", "line break"),
        ('structure_method = "instructor/openai_tolls"', "m.structure_method", "bad-value", "openai_tools"),
        ('structure_method = "magic"', "m.structure_method", "bad-value", "Write schema, tools or json."),
        ('thinking_mode = "adaptiv"', "m.thinking_mode", "unknown-word", '"adaptive"'),
        ('constraints = ["temperature_must_be_one"]', "m.constraints", "bad-value", '"temperature_must_be_1"'),
        (
            "valued_constraints = { fixed_temperature = 3 }",
            "m.valued_constraints.fixed_temperature",
            "out-of-range",
            "2",
        ),
        ("valued_constraints = { fixd = 3 }", "m.valued_constraints.fixd", "unknown-key", "is no key"),
        (
            "valued_constraints = { min_thinking_budget = 5, max_thinking_budget = 4 }",
            "m.valued_constraints",
            "bad-value",
            "larger",
        ),
        ("costs = { outptu = 1 }", "m.costs.outptu", "unknown-key", 'Did you mean "output"?'),
        ("costs = { input = -0.5 }", "m.costs.input", "out-of-range", "0 or more"),
        ("costs = { input = nan }", "m.costs.input", "out-of-range", "finite"),
        ('costs = { input = "1.5" }', "m.costs.input", "wrong-type", "without quotes: 1.5"),
        ('costs = { input = "$${x}" }', "m.costs.input", "wrong-type", "a number"),
        ("costs = 3", "m.costs", "wrong-type", "a table"),
        ("costs = { above = [{ input = 1 }] }", "m.costs.above[0]", "missing-key", "input_tokens"),
        (
            "costs = { above = [{ input_tokens = 1, inptu = 1 }] }",
            "m.costs.above[0].inptu",
            "unknown-key",
            'Did you mean "input"?',
        ),
        ("costs = { per_image = { low = true } }", "m.costs.per_image.low", "wrong-type", "a number"),
        ("rules = { promt = 'x' }", "m.rules.promt", "unknown-key", '"prompt"'),
        ("extra = 1", "m.extra", "wrong-type", "a table"),
        ("extra = { at = 10:00:00 }", "m.extra.at", "wrong-type", "a date or time"),
        ("extra = { n = inf }", "m.extra.n", "out-of-range", "finite"),
        ('extra = { n = ["${X"] }', "m.extra.n[0]", "bad-template", "never closed"),
        ("x-a = 1", "m.x-a", "wrong-type", "the value of a header is a text"),
        ('enabled = "false"', "m.enabled", "wrong-type", "Write it without quotes: false."),
        ("retired = 1", "m.retired", "wrong-type", "true or false"),
        ("price_checked = 5", "m.price_checked", "wrong-type", "a date or"),
        ("cache = true", "m.cache", "unknown-key", "write it in a profile or a preset"),
        ("tokens_per_image = 0", "m.tokens_per_image", "out-of-range", "1 or more"),
        ("tokens_per_pag = 5", "m.tokens_per_pag", "unknown-key", 'Did you mean "tokens_per_page"?'),
    ],
)
def test_what_is_wrong_in_a_model_is_told(tmp_path: Path, line: str, key: str, code: str, said: str) -> None:
    error = the_error(tmp_path, Tables(spec=f"{HEAD}[m]\n{line}\n[n]\n"))
    assert (error.key, error.code, Path(error.file).name) == (key, code, "openai.toml")
    assert said in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    ("text", "key", "code", "said"),
    [
        ("[gpt-4.1]\nmodel_id = 'x'", "gpt-4.1", "unquoted-name", 'write ["gpt-4.1"]'),
        ("[gpt-4.1]\n", "gpt-4.1", "unquoted-name", 'write ["gpt-4.1"]'),
        ("[llama-3.1.2]\nmodel_id = 'x'", "llama-3.1.2", "unquoted-name", 'write ["llama-3.1.2"]'),
        ("[claude.sonnet]\ncosts = {}", "claude.sonnet", "unquoted-name", 'write ["claude.sonnet"]'),
        ("[gpt-4]\n[gpt-4.1.rules]\nprompt = 'x'", "gpt-4.1", "unquoted-name", 'write ["gpt-4.1"]'),
        ("[gpt-4.cost]\ninput = 1", "gpt-4.cost", "unknown-key", 'Did you mean "costs"?'),
        ("[defualts]\nsdk = 'fal'", "defualts", "unknown-key", 'Did you mean "defaults"?'),
        ('[""]\n', '""', "bad-name", "empty"),
        ('["a\\tb"]\n', '"a\\u0009b"', "control-character", "control character"),
    ],
)
def test_what_is_wrong_with_a_handle_is_told(tmp_path: Path, text: str, key: str, code: str, said: str) -> None:
    error = the_error(tmp_path, Tables(spec=f"{HEAD}{text}\n"))
    assert (error.key, error.code) == (key, code)
    assert said in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    ("top", "key"),
    [
        ('defualt_sdk = "openai"\ndefault_sdk = "openai"', "defualt_sdk"),
        ("default_sdk = 3", "default_sdk"),
        ('default_sdk = "opneai"', "default_sdk"),
        ('default_sdk = "${X"', "default_sdk"),
        ("defaults = 3\ndefault_sdk = 'openai'", "defaults"),
        ("[defaults]\nsdk = 'opneai'", "defaults.sdk"),
        ("[defaults]\nsdk = 3", "defaults.sdk"),
        ("[defaults]\nsdk = 'openai'\nmax_tokns = 3", "defaults.max_tokns"),
        ("[defaults]\nsdk = 'openai'\nmax_tokens = 0", "defaults.max_tokens"),
        ("[defaults]\nsdk = 'openai'\nmax_tokens = '${'", "defaults.max_tokens"),
        ("[defaults]\nsdk = 'openai'\ncosts = { input = '${' }", "defaults.costs.input"),
        ("[defaults]\nsdk = 'openai'\nextra = { a = '${' }", "defaults.extra.a"),
        ("[defaults]\nsdk = 'openai'\nx-a = 1", "defaults.x-a"),
        ("[defaults]\nsdk = 'openai'\nconstraints = ['no']", "defaults.constraints"),
    ],
)
def test_a_fault_of_the_defaults_is_told_once_whatever_takes_it(tmp_path: Path, top: str, key: str) -> None:
    text = f"{top}\n[a]\n[b]\noutputs = ['text']\n[c]\n"
    assert the_error(tmp_path, Tables(spec=text)).key == key


def test_models_without_an_sdk_are_told_in_one_go(tmp_path: Path) -> None:
    error = the_error(tmp_path, Tables(spec="[a]\n[b]\n[c]\n[d]\nsdk = 'openai'\n[e]\n"))
    assert (error.key, error.code) == ("a", "missing-key")
    assert error.message == 'no sdk is named for "a", "b", "c" and 1 more.'
    assert "default_sdk" in error.hint


def test_every_error_of_a_file_comes_at_once_and_the_good_models_stay(tmp_path: Path) -> None:
    text = f"{HEAD}[a]\nmax_tokns = 1\ncosts = {{ input = -1 }}\n[b]\nsdk = 'no'\n[c]\n[d]\nthinking_mode = 'x'\n"
    tables = Tables(spec=text)
    assert {error.key for error in errors(tmp_path, tables)} == {
        "a.max_tokns",
        "a.costs.input",
        "b.sdk",
        "d.thinking_mode",
    }
    deck, _ = tables.compiled(tmp_path)
    assert list(deck.specs["openai"]) == ["c"]
    assert {"a", "b", "d"} <= deck.faulty


def test_lines_can_be_found_for_every_problem(tmp_path: Path) -> None:
    documents, _ = (tables := Tables(spec=f"{HEAD}[a]\nmax_tokns = 1\n[gpt-4.1]\nmodel_id = 'x'\n")).documents(tmp_path)
    found: list[Problem] = errors(tmp_path, tables)
    assert [documents.line(error.file, error.path) for error in found] == [3, 4]


def test_the_default_spec_serves_ids_that_no_file_lists(tmp_path: Path) -> None:
    text = '[defaults]\nsdk = "anthropic"\nprompting_target = "anthropic"\nx-a = "1"\n[m]\nsdk = "openai"\n[n]\n'
    backend = good(tmp_path, Tables(spec=text)).backends["openai"]
    default = backend.default_spec
    assert default is not None
    assert (default.sdk, default.prompting_target, default.listed, default.kind) == (
        "anthropic",
        "anthropic",
        False,
        None,
    )
    assert default.headers == {"x-a": "1"}
    assert backend.sdks == ("anthropic", "openai")


def test_without_defaults_the_most_common_sdk_serves_them(tmp_path: Path) -> None:
    text = "[a]\nsdk = 'fal'\n[b]\nsdk = 'openai'\n[c]\nsdk = 'openai'\n"
    backend = good(tmp_path, Tables(spec=text)).backends["openai"]
    assert backend.default_spec is not None
    assert backend.default_spec.sdk == "openai"
    assert backend.sdks == ("openai", "fal")
    assert good(tmp_path, Tables(spec="")).backends["openai"].default_spec is None


def test_the_sdks_that_files_name_can_be_asked_for(tmp_path: Path) -> None:
    text = "default_sdk = 'a'\n[defaults]\nsdk = 'b'\n[m]\nsdk = 'c'\n[n]\nsdk = 3\n"
    assert named_sdks(Tables(spec=text).documents(tmp_path)[0]) == {"a", "b", "c"}


@pytest.mark.parametrize("top", ['[default]\nsdk = "openai"\n', 'default_skd = "openai"\n'])
def test_misspelt_defaults_are_told_once(tmp_path: Path, top: str) -> None:
    assert "Did you mean" in str(the_error(tmp_path, Tables(spec=f'{top}[m]\noutputs = ["text"]\n')))


def test_a_blank_id_is_as_good_as_none(tmp_path: Path) -> None:
    deck = good(tmp_path, Tables(spec='default_sdk = "openai"\n[m]\nmodel_id = "  "\n'))
    assert deck.specs["openai"]["m"].model_id == "m"


def test_a_number_is_never_asked_for_as_a_text(tmp_path: Path) -> None:
    message = the_error(tmp_path, Tables(spec='default_sdk = "openai"\n[m]\nmax_tokens = 1.5\n')).message
    assert message == 'expected a whole number or a ${VARIABLE} or "auto", got a number.'


def test_a_name_with_a_line_break_does_not_break_the_line_of_its_problem(tmp_path: Path) -> None:
    told = str(the_error(tmp_path, Tables(spec='default_sdk = "openai"\n["a\\nb\\u001b"]\n')))
    assert '"a\\u000ab\\u001b"' in told
    assert told.isprintable()
