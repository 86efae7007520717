"""A job as the request of one provider behind Hugging Face's router, written by the SDK's own helper. No I/O."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from huggingface_hub.hf_api import InferenceProviderMapping
from huggingface_hub.inference._providers import get_provider_helper

from pipelex_like.errors import CapabilityError
from pipelex_like.types import is_table, thaw
from pipelex_like.workers.huggingface.hints import split_provider
from pipelex_like.workers.picture_families import ANY
from pipelex_like.workers.picture_fields import worded
from pipelex_like.workers.picture_rules import checked, named, size_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.types import ImageJob
    from pipelex_like.workers.picture_words import Asked

DEFAULT = "hf-inference"
"""Hugging Face's own machines: where a model without a provider goes, under its own name."""

TASK = "text-to-image"

_COMMON = {
    "negative_prompt": "negative_prompt",
    "nb_steps": "num_inference_steps",
    "guidance_scale": "guidance_scale",
    "seed": "seed",
}
# What each provider has words for. Those that answer by a queue of their own (wavespeed, zai-org) are left out: the
# SDK waits for them without a bound.
FIELDS: Mapping[str, dict[str, str]] = {
    DEFAULT: _COMMON,
    "fal-ai": {**_COMMON, "output_format": "output_format", "is_moderated": "enable_safety_checker"},
    "replicate": {**_COMMON, "output_format": "output_format", "is_moderated": "disable_safety_checker"},
    "together": {**_COMMON, "output_format": "output_format", "is_moderated": "disable_safety_checker"},
    "nscale": {},
}
# fal puts the picture into its answer, where it would name an address otherwise.
_ALWAYS: Mapping[str, dict[str, object]] = {"fal-ai": {"sync_mode": True}}
_KEPT_HEADERS = ("prefer",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a job asks for, before it is known what the provider calls the model; `parameters` in the SDK's words."""

    model: str
    provider: str
    prompt: str
    parameters: Mapping[str, object]
    extra: Mapping[str, object]
    asked: Asked
    adapted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Where to send what; `headers` are the provider's own, without the credential."""

    url: str
    body: Mapping[str, object]
    headers: Mapping[str, str]


class _Helper(Protocol):
    """What is used of the SDK's helper for a provider."""

    base_url: str

    def prepare_request(self, **given: Any) -> Any: ...


def wanted(job: ImageJob, candidate: Candidate) -> Wanted:
    """Read what a job asks for. Raises CapabilityError or BadRequestError before anything is sent."""
    who = named(candidate)
    model, said = split_provider(candidate.model_id)
    provider = said or candidate.spec.variant or DEFAULT
    if provider not in FIELDS:
        known = ", ".join(FIELDS)
        raise CapabilityError(f'{who}: pictures through the provider "{provider}" are not offered, only {known}.')
    if job.n > 1:
        raise CapabilityError(f"{who}: a request draws one picture, not {job.n}. Ask for one at a time.")
    if job.images:
        raise CapabilityError(f"{who}: of reference pictures it takes none through this sdk.")
    asked, ability = checked(job, candidate, base=ANY)
    settings = {key: value for key, value in job.settings.items() if value is not None}
    told, adapted = worded(settings, ability, {**FIELDS[provider], **ability.fields})
    size = size_for(asked, ability, candidate)
    shape = {} if size is None else {"width": size[0], "height": size[1]}
    extra = thaw(settings.get("extra", {}))
    return Wanted(
        model=model,
        provider=provider,
        prompt=job.prompt,
        parameters={**told, **shape, **_ALWAYS.get(provider, {})},
        extra=extra if is_table(extra) else {},
        asked=asked,
        adapted=tuple(adapted),
    )


def request_of(wanted: Wanted, *, name: str, router: str) -> Request:
    """Write the request; `name` is what the provider calls the model, `router` the router's base.

    The SDK's helper knows paths and bodies. Address, model name and credential are handed to it, since it would look
    them up: in its table of hosts, on the hub, and on this machine.
    """
    helper = cast("_Helper", copy(get_provider_helper(cast("Any", wanted.provider), TASK, wanted.model)))
    base = f"{router}/{wanted.provider}"
    mapping = InferenceProviderMapping(
        provider=wanted.provider, hf_model_id=wanted.model, providerId=name, status="live", task=TASK
    )
    helper.base_url = base
    overridden: dict[str, Callable[[str], object]] = {
        "_prepare_mapping_info": lambda _: mapping,
        "_prepare_base_url": lambda _: base,
        "_prepare_api_key": lambda key: key,
    }
    vars(helper).update(overridden)
    prepared = helper.prepare_request(
        inputs=wanted.prompt,
        parameters=dict(wanted.parameters),
        headers={},
        model=wanted.model,
        # As every token of Hugging Face begins; the true one is put in where it is sent.
        api_key="hf_",
        extra_payload=dict(wanted.extra),
    )
    headers = {name: str(value) for name, value in prepared.headers.items() if name in _KEPT_HEADERS}
    return Request(url=str(prepared.url), body=cast("dict[str, object]", prepared.json), headers=headers)
