from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pipelex_like.errors import CapabilityError
from pipelex_like.types import KINDS, FrozenDict
from pipelex_like.workers.base import Access
from pipelex_like.workers.registry import BUILT_IN, GROUP, SETTINGS, Registry, sdk_settings

ROOT = Path(__file__).parents[2]
OURS = [
    "openai",
    "openai_responses",
    "azure_openai",
    "azure_openai_responses",
    "anthropic",
    "vertex_anthropic",
    "bedrock",
    "google",
    "vertex_google",
    "mistral",
    "vertex_mistral",
    "fal",
    "huggingface",
    "cohere",
    "local",
    "pypdfium2",
    "tesseract",
    "rapidocr",
]
FOREIGN = [
    "openai_img_gen",
    "openai_alt_img_gen",
    "azure_rest",
    "azure_rest_img_gen",
    "huggingface_img_gen",
    "openrouter_img_gen",
    "portkey_completions",
    "portkey_responses",
    "bedrock_anthropic",
    "bedrock_boto3",
    "bedrock_aioboto3",
    "bedrock_aioboto",
    "docling_sdk",
    "reportlab",
    "linkup",
    "linkup_fetch",
    "typesafe",
]


def test_every_sdk_name_of_the_configuration_has_settings() -> None:
    assert [settings.sdk for settings in SETTINGS] == OURS


@pytest.mark.parametrize("name", FOREIGN)
def test_names_of_older_files_are_known_once(name: str) -> None:
    assert [name in (settings.sdk, *settings.names) for settings in sdk_settings()].count(True) == 1


def test_kinds_are_those_that_have_a_worker() -> None:
    declared = {f"{kind}.{settings.sdk}" for settings in SETTINGS for kind in settings.kinds}
    assert declared == set(BUILT_IN)


def test_the_project_declares_the_same_entry_points() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][GROUP] == dict(BUILT_IN)


def test_every_extra_that_settings_name_is_declared_or_has_no_worker_yet() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {settings.extra for settings in SETTINGS if settings.kinds and settings.extra} <= set(extras)


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.sdk)
def test_settings_hang_together(settings) -> None:
    names = [key.name for key in settings.keys]
    assert len(set(names)) == len(names)
    assert {name for group in settings.required for name in group} <= set(names)
    assert not [key.name for key in settings.keys if key.secret and key.public]
    assert all(key.secret for key in settings.keys if "key" in key.name or "token" in key.name or "secret" in key.name)


def test_the_shared_protocol_hands_nobody_openais_key_by_default() -> None:
    shared = [settings for settings in SETTINGS if settings.sdk in ("openai", "openai_responses")]
    assert [key.template for settings in shared for key in settings.keys if key.template] == []


def test_settings_import_no_sdk_and_scan_no_package() -> None:
    code = (
        "import sys; from pipelex_like.workers.registry import Registry, sdk_settings; sdk_settings(['openai']);"
        "Registry(); names = {name.partition('.')[0] for name in sys.modules};"
        "print(sorted(names & {'openai', 'httpx2', 'httpx', 'pypdfium2', 'xllamacpp', 'pydantic'}),"
        "'importlib.metadata' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"


def test_a_built_in_worker_is_found_and_found_again() -> None:
    registry = Registry()
    maker = registry.find("llm", "openai", backend="acme")
    assert maker.__name__ == "OpenAiLlm"
    assert registry.find("llm", "openai") is maker


@pytest.mark.parametrize(
    ("kind", "sdk", "part"),
    [
        ("llm", "docling_sdk", "no worker for it yet"),
        ("extract", "openai", "serves language models and drawing pictures, not reading documents"),
        ("llm", "opneai", 'Did you mean "openai"?'),
    ],
)
def test_no_worker_is_said_kindly(kind, sdk: str, part: str) -> None:
    with pytest.raises(CapabilityError) as caught:
        Registry().find(kind, sdk, backend="acme")
    assert part in str(caught.value)
    assert 'backend "acme"' in str(caught.value)


def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("pipelex_like.workers.openai.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(CapabilityError) as caught:
        Registry().find("llm", "openai", backend="deepseek")
    assert str(caught.value) == 'backend "deepseek" needs: pip install "pipelex-like[openai]"'


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    info = tmp_path / "acme_worker-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-worker\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[pipelex_like.workers]\nllm.acme = acme_worker:make\nextract.acme = acme_worker:make\n"
        "llm.broken = acme_broken:make\nllm.lacking = acme_lacking:make\nllm.openai = acme_worker:make\n"
        "[pipelex_like.settings]\nacme = acme_worker:SETTINGS\nbroken = acme_broken:SETTINGS\n"
    )
    (tmp_path / "acme_worker.py").write_text(
        "from pipelex_like.deck import SdkSettings\n"
        "SETTINGS = SdkSettings(sdk='acme', kinds=('llm', 'extract'), required=(('token',),))\n"
        "def make(access): return ('acme', access.backend)\n"
    )
    (tmp_path / "acme_broken.py").write_text("raise RuntimeError('out of order')\n")
    (tmp_path / "acme_lacking.py").write_text("import a_module_that_nobody_has\n")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_an_installed_package_adds_an_sdk(installed: Path) -> None:
    maker = Registry().find("llm", "acme", backend="mine")
    assert maker(Access(backend="mine", sdk="acme")) == ("acme", "mine")
    assert sdk_settings(["acme"])[-1].required == (("token",),)
    assert "acme" not in [settings.sdk for settings in sdk_settings(["openai"])]


def test_an_installed_package_cannot_take_a_name_of_ours(installed: Path) -> None:
    assert Registry().find("llm", "openai").__name__ == "OpenAiLlm"
    with pytest.raises(CapabilityError, match="yet"):
        Registry().find("llm", "linkup")


def test_settings_that_cannot_be_imported_are_the_usual_ones(installed: Path) -> None:
    broken = sdk_settings(["broken"])[-1]
    assert (broken.sdk, broken.kinds) == ("broken", ("llm",))
    assert [key.name for key in broken.keys] == ["api_key", "endpoint"]


@pytest.mark.parametrize(
    ("sdk", "part"), [("broken", "RuntimeError: out of order"), ("lacking", '"a_module_that_nobody_has"')]
)
def test_a_package_out_of_order_says_why(installed: Path, sdk: str, part: str) -> None:
    with pytest.raises(CapabilityError, match=part) as caught:
        Registry().find("llm", sdk, backend="mine")
    assert caught.value.__cause__ is not None


def test_access_prints_no_value_and_tells_others_apart() -> None:
    keys = FrozenDict(api_key="sk-canary-1", endpoint="http://user:pass@host")
    one = Access(backend="a", sdk="openai", keys=keys, headers=FrozenDict({"x": "secret"}), proxy="http://p:q@r")
    assert repr(one) == "Access(backend='a', sdk='openai', given=[api_key, endpoint, x])"
    same = Access(
        backend="a", sdk="openai", keys=FrozenDict(reversed(keys.items())), headers=one.headers, proxy=one.proxy
    )
    other = Access(backend="a", sdk="openai", keys=FrozenDict({**keys, "api_key": "sk-canary-2"}), headers=one.headers)
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()
    assert "canary" not in one.fingerprint()
    assert set(KINDS) == {"llm", "extract", "img_gen"}
