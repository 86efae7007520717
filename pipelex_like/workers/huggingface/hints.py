"""What users of Hugging Face do about its refusals. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.errors import AccessDeniedError, NotFoundError
from pipelex_like.workers.translate import Called

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.workers.base import Access

VARIABLE = "HUGGINGFACE_MODEL_PROVIDERS"


def provider_hint(model: str) -> str:
    """Say how to name a provider for a model: the way out where the router refuses one that goes without."""
    bare = model.partition(":")[0]
    card = f"https://huggingface.co/{bare} (names are case-sensitive)"
    return f"Name a provider for it: {VARIABLE}={bare}:<provider>. Who serves it stands at {card}."


def access_hint(model: str) -> str:
    """Say what a token needs: the way out where it may not use a model."""
    card = f"https://huggingface.co/{model.partition(':')[0]}"
    token = "give the token the permission to make calls to Inference Providers"
    return f"Accept the terms on the model's card ({card}) with the account that the token belongs to, and {token}."


def called_there(access: Access, candidate: Candidate) -> Called:
    """Name the candidate, with the ways out that Hugging Face has."""
    model, provider = split_provider(candidate.model_id)
    where = f"Check that {provider} serves it: https://huggingface.co/{model} (names are case-sensitive)."
    missing = where if provider else provider_hint(model)
    called = Called.of(access, candidate)
    return replace(called, ways_out={AccessDeniedError: access_hint(model), NotFoundError: missing})


def split_provider(model_id: str) -> tuple[str, str | None]:
    """Split `org/name:provider` into the model and its provider, None where none is named."""
    model, _, provider = model_id.partition(":")
    return model, provider or None
