"""Which models of the specs a provider still offers. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipelex_like.deck import ModelSpec

# What providers put behind a name: the day of a snapshot, `latest`, version and context size at Bedrock.
_TAIL = re.compile(r"(?:[-@](?:latest|\d{4}-\d\d-\d\d|\d{3,8}|v\d+(?=:\d))|:(?:latest|\d+k?))+\Z")
_REGION = re.compile(r"(?:us|eu|apac|jp|au|ca|sa|us-gov|global)\.(?=[a-z0-9]+\.)")


@dataclass(frozen=True, slots=True)
class Offer:
    """`gone` are handles whose model the list lacks; `unlisted` counts offered models that no spec names."""

    gone: tuple[str, ...]
    unlisted: int


def compared(offered: Iterable[str], models: Iterable[ModelSpec]) -> Offer:
    """Compare a list with the specs. A name counts as offered by another snapshot of it, too, since lists give
    aliases or snapshots as they like; a retired model is expected to be gone, and an ARN is in no list."""
    there = {spelling for name in offered for spelling in spellings(name)}
    named: set[str] = set()
    gone: list[str] = []
    for model in models:
        own = set(spellings(str(model.model_id)))
        named |= own
        known = not own.isdisjoint(there) or model.retired or str(model.model_id).startswith("arn:")
        # Pictures are served by other lists at Hugging Face, whose own is of text.
        if not known and not (model.kind == "img_gen" and model.sdk == "huggingface"):
            gone.append(model.handle)
    unlisted = sum(named.isdisjoint(spellings(name)) for name in set(offered))
    return Offer(tuple(gone), unlisted)


def spellings(name: str) -> Iterator[str]:
    """Give a model's name and the shorter ones that mean the same model."""
    plain = name.lower()
    yield plain
    bare = _REGION.sub("", plain, count=1)
    yield bare
    yield bare.partition("@")[0]
    if "/" in bare:
        # `org/name:provider` and `org/name:free`
        yield bare.partition(":")[0]
    yield _TAIL.sub("", bare)
