"""What a protocol leaves out, told before anything is sent, and what an example call costs."""

from __future__ import annotations

from decimal import Decimal
from importlib import import_module

import pytest

from pipelex_like.deck import Candidate, Costs, ImagePrice, ModelSpec
from pipelex_like.setup.explain.example_cost import Sample, example_at
from pipelex_like.setup.explain.rehearsal import _WRITERS, rehearsed
from pipelex_like.types import FrozenDict
from pipelex_like.workers.registry import BUILT_IN


def candidate(sdk: str, kind: str = "llm", model_id: str = "m", **settings: object) -> Candidate:
    costs = settings.pop("costs", Costs())
    spec = ModelSpec(backend="b", handle="h", sdk=sdk, model_id=model_id, kind=kind, costs=costs)
    return Candidate(handle="h", backend="b", model_id=model_id, sdk=sdk, spec=spec, settings=FrozenDict(settings))


# Whose writer imports the SDK, and who reads pages on this machine with all the settings there are.
WITHOUT = {"img_gen.huggingface", "extract.pypdfium2", "extract.tesseract", "extract.rapidocr"}


def test_every_built_in_worker_has_its_writer() -> None:
    assert set(_WRITERS) | WITHOUT == set(BUILT_IN)
    for target in _WRITERS.values():
        module, _, name = target.partition(":")
        assert callable(getattr(import_module(f"pipelex_like.workers.{module}"), name))


@pytest.mark.parametrize("worker", [name for name in _WRITERS if name.startswith("llm.")])
def test_each_protocol_says_what_it_leaves_out(worker: str) -> None:
    kind, _, sdk = worker.partition(".")
    told = rehearsed(candidate(sdk, kind, top_k=3, seed=1, logit_bias=FrozenDict({"5": 1})), "llm")
    assert all(isinstance(line, str) for line in told)
    assert told, worker


def test_nothing_is_told_where_everything_is_taken() -> None:
    assert rehearsed(candidate("openai", temperature=0.2, tool_choice="auto"), "llm") == ()
    assert rehearsed(candidate("tesseract", "extract", max_nb_images=3), "extract") == ()


def test_pages_and_pictures() -> None:
    told = rehearsed(candidate("mistral", "extract", page_images=True), "extract")
    assert told == ("page_images: left out, Mistral gives no pictures of pages",)
    drawn = rehearsed(candidate("openai", "img_gen", "gpt-image-1", safety_tolerance=3), "img_gen")
    assert drawn == ("safety_tolerance: left out, the model has no word for it",)


def test_settings_that_are_refused_say_so() -> None:
    (line,) = rehearsed(candidate("openai", "img_gen", "gpt-image-1", aspect_ratio="nonsense"), "img_gen")
    assert line.startswith("a call with these settings is refused: ")


PRICED = Costs(tokens=FrozenDict({"input": Decimal(2), "output": Decimal(10)}))


def test_tokens_cost_what_the_spec_says() -> None:
    told = example_at(candidate("openai", costs=PRICED), "llm", Sample())
    assert (told.size, told.cost) == ("1,000 tokens in and 500 out", Decimal("0.007"))
    capped = example_at(candidate("openai", costs=PRICED, max_tokens=100), "llm", Sample())
    assert (capped.size, capped.cost) == ("1,000 tokens in and 100 out, which is its max_tokens", Decimal("0.003"))
    assert example_at(candidate("openai", costs=PRICED, max_tokens="auto"), "llm", Sample()).cost == Decimal("0.007")


def test_pages_and_pictures_cost_what_the_spec_says() -> None:
    paged = candidate("mistral", "extract", costs=Costs(per_page=Decimal("0.001")))
    assert example_at(paged, "extract", Sample(pages=12)).cost == Decimal("0.012")
    prices = (ImagePrice(price=Decimal("0.01"), quality="low"), ImagePrice(price=Decimal("0.04"), quality="high"))
    drawn = example_at(candidate("openai", "img_gen", costs=Costs(per_image=prices)), "img_gen", Sample(images=2))
    assert (drawn.cost, drawn.at_most, drawn.size) == (Decimal("0.08"), True, "2 pictures")
    plain = candidate("openai", "img_gen", costs=Costs(per_image=(ImagePrice(price=Decimal("0.04")),)))
    assert not example_at(plain, "img_gen", Sample()).at_most


def test_a_price_that_is_unknown_is_no_zero() -> None:
    for kind in ("llm", "extract", "img_gen"):
        told = example_at(candidate("openai", kind), kind, Sample())
        assert told.cost is None
        assert "no price is known" in (told.note or "")
