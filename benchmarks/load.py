"""Import, load and resolve beside their yardsticks: bare pydantic, tomllib alone, a dict look-up."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import timeit
import tomllib
from pathlib import Path

from pipelex_like import Inference
from pipelex_like.data import KIT

BASE = "pass"
PYDANTIC = "from pydantic import BaseModel\nclass Model(BaseModel):\n    a: int = 1"
IMPORT = "import pipelex_like"
RESOLVE = (
    "from pipelex_like import Inference\n"
    "Inference.load(environ={'OPENAI_API_KEY': 'x'}).router.resolve('preset:llm_to_extract_invoice')"
)


def process_ms(code: str, rounds: int = 7) -> float:
    def once() -> float:
        return timeit.timeit(lambda: subprocess.run([sys.executable, "-c", code], check=True), number=1)

    once()
    return statistics.median(once() for _ in range(rounds)) * 1000


def fresh_process() -> None:
    base = process_ms(BASE)
    yardstick = process_ms(PYDANTIC) - base
    print(f"bare Python {base:.0f} ms; pydantic and one model: {yardstick:.0f} ms on top")
    for name, code in (("import pipelex_like", IMPORT), ("load the kit, resolve a preset", RESOLVE)):
        took = process_ms(code) - base
        print(f"  {name}: {took:.1f} ms on top, {took / yardstick:.2f} x pydantic")


def many_models(folder: Path, backends: int = 50, models: int = 20) -> list[Path]:
    directory = folder / ".pipelex" / "inference"
    (directory / "backends").mkdir(parents=True)
    (directory / "deck").mkdir()
    tables = [
        f'[b{i}]\nenabled = true\nendpoint = "https://b{i}.example/v1"\napi_key = "${{B_KEY:-k}}"\n'
        for i in range(backends)
    ]
    (directory / "backends.toml").write_text("".join(tables))
    for i in range(backends):
        specs = [
            f'["m{i}.{j}"]\nmodel_id = "vendor/m-{i}-{j}"\ninputs = ["text", "images"]\n'
            'outputs = ["text", "structured"]\n'
            "max_tokens = 8192\ncosts = { input = 0.15, output = 0.6, input_cached = 0.075 }\n"
            for j in range(models)
        ]
        (directory / "backends" / f"b{i}.toml").write_text('default_sdk = "openai"\n' + "".join(specs))
    (directory / "routing_profiles.toml").write_text('active = "p"\n[profiles.p]\n[profiles.p.routes]\n"m1.*" = "b1"\n')
    (directory / "deck" / "base_deck.toml").write_text('[llm.presets]\np = { model = "m1.1", temperature = 0.1 }\n')
    return [directory, *directory.rglob("*.toml")]


def load_beside_parsing(name: str, directory: Path, files: list[Path]) -> None:
    texts = [path.read_text() for path in files]
    rounds = 7
    parsing = min(timeit.repeat(lambda: [tomllib.loads(text) for text in texts], number=1, repeat=rounds))
    loading = min(
        timeit.repeat(lambda: Inference.load(directory, environ={}, lenient=True).close(), number=1, repeat=rounds)
    )
    print(f"{name}: parsing alone {parsing * 1e3:.1f} ms, loading {loading * 1e3:.1f} ms, {loading / parsing:.2f} x")


def resolving() -> None:
    with Inference.load(KIT, environ={"OPENAI_API_KEY": "x"}) as ai:
        resolve = ai.router.resolve
        plain = {"a": 1}
        lookup = min(timeit.repeat(lambda: plain["a"], number=100_000, repeat=5)) * 10
        print(f"a dict look-up: {lookup:.3f} microseconds")
        for reference in ("gpt-4o-mini", "base-gpt", "preset:llm_to_extract_invoice", "smart_llm", "openai/gpt-4o"):
            resolve(reference)
            took = min(timeit.repeat(lambda ref=reference: resolve(ref), number=100_000, repeat=5)) * 10
            print(f"  resolve {reference}: {took:.3f} microseconds")


def main() -> None:
    fresh_process()
    load_beside_parsing("the packaged kit", KIT, sorted(KIT.rglob("*.toml")))
    with tempfile.TemporaryDirectory() as folder:
        directory, *files = many_models(Path(folder))
        load_beside_parsing("50 backends with 1,000 models", directory, files)
    resolving()


if __name__ == "__main__":
    main()
