"""A small directory that stands alone, for tests that change one thing in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "backends.toml": """[openai]
enabled = true
api_key = "${OPENAI_API_KEY}"
timeout = 30

[other]
enabled = true
endpoint = "https://other.example/v1"
api_key = "${OTHER_API_KEY}"

[internal]
enabled = true
""",
    "backends/openai.toml": """default_sdk = "openai"

["gpt-4o-mini"]
inputs = ["text", "images"]
outputs = ["text", "structured"]
costs = { input = 0.15, output = 0.6 }

["gpt-5"]
outputs = ["text", "structured"]
max_tokens = 1000

[gpt-image-1]
outputs = ["image"]
costs = { per_image = 0.04 }
""",
    "backends/other.toml": """default_sdk = "openai"

["gpt-4o-mini"]
model_id = "openai/gpt-4o-mini"
outputs = ["text", "structured"]

[llama]
outputs = ["text"]
""",
    "backends/internal.toml": """default_sdk = "pypdfium2"

[pypdfium2-extract-text]
outputs = ["pages"]
""",
    "routing_profiles.toml": """active = "own"

[profiles.own]
default = "openai"

[profiles.own.routes]
"llama*" = "other"

[profiles.elsewhere]
default = "other"

[profiles.elsewhere.routes]
"gpt-*" = "other"
"gpt-5" = "openai"
"gpt-image-*" = "openai"

[environments]
dev = "elsewhere"
""",
    "deck/base_deck.toml": """[aliases]
cheap = "gpt-4o-mini"
smart = ["gpt-5", { model = "gpt-4o-mini", temperature = 0.3 }]
careful = { model = "smart", temperature = 0.1 }

[llm.presets]
write = { model = "cheap", temperature = 0.9 }
think = { model = "smart", fallback = ["llama"], reasoning_effort = "high" }

[extract.presets]
read = { model = "pypdfium2-extract-text", max_nb_images = 5 }

[img_gen.presets]
draw = { model = "gpt-image-1", quality = "low" }

[llm.choice_defaults]
for_text = "write"
for_object = "think"

[extract]
choice_default = "read"

[img_gen]
choice_default = "draw"
""",
}
ENVIRON = {"OPENAI_API_KEY": "dummy-openai", "OTHER_API_KEY": "dummy-other"}


def write(root: Path, files: dict[str, str] | None = None, *, at: str = ".pipelex/inference") -> Path:
    directory = root / at
    for name, text in (FILES if files is None else files).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory
