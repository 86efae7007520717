"""A job as what an application on fal takes. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelex_like.errors import CapabilityError
from pipelex_like.types import is_table, thaw
from pipelex_like.workers.fal.families import family_of
from pipelex_like.workers.parts import base64_of
from pipelex_like.workers.picture_rules import (
    checked,
    format_for,
    left_out,
    named,
    quality_for,
    ratio_for,
    size_for,
)
from pipelex_like.workers.picture_words import ratio_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.types import ImageJob, Media
    from pipelex_like.workers.fal.families import Family
    from pipelex_like.workers.picture_families import Ability
    from pipelex_like.workers.picture_words import Asked, Pair

Body = dict[str, object]

_SETTINGS = (
    "nb_steps",
    "guidance_scale",
    "is_moderated",
    "safety_tolerance",
    "background",
    "output_compression",
    "input_fidelity",
    "negative_prompt",
    "is_raw",
    "seed",
)
_TEXTS = frozenset({"safety_tolerance"})
# fal's own words for sizes of up to one megapixel; its portrait_16_9 is nine wide and sixteen high.
_SIZES: Mapping[Pair, str] = {
    (1, 1): "square_hd",
    (4, 3): "landscape_4_3",
    (3, 4): "portrait_4_3",
    (16, 9): "landscape_16_9",
    (9, 16): "portrait_16_9",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is sent, what is expected of the pictures, and a line for each setting that was changed or left out."""

    body: Body
    asked: Asked
    adapted: tuple[str, ...]


def order_of(job: ImageJob, candidate: Candidate) -> Order:
    """Write the order. Raises CapabilityError or BadRequestError, before anything is spent, for what the application
    cannot draw."""
    family = family_of(candidate.spec, candidate.model_id)
    asked, ability = checked(job, candidate, base=family.ability)
    if family.edits and not job.images:
        raise CapabilityError(f"{named(candidate)}: it changes pictures, and got none. Hand it one, by `images`.")
    settings = {name: value for name, value in job.settings.items() if value is not None}
    fields = {**family.fields, **ability.fields}
    body: Body = {"prompt": job.prompt, **_size(asked, ability, candidate)}
    if ability.most != 1:
        body["num_images"] = job.n
    body.update(_pictures(job.images, ability.references_field or family.pictures))
    form, lines = format_for(settings, ability)
    if form is not None and "output_format" in fields:
        body[fields["output_format"]] = form
    elif form is not None:
        form, lines = None, [left_out("output_format")]
    for part, told in (
        _quality(settings, family=family, ability=ability, fields=fields),
        _words(settings, family=family, ability=ability, fields=fields),
    ):
        body.update(part)
        lines += told
    extra = thaw(settings.get("extra", {}))
    return Order(
        body={**body, **extra} if is_table(extra) else body,
        asked=asked if form is not None else replace(asked, mime=None),
        adapted=tuple(lines),
    )


def _size(asked: Asked, ability: Ability, candidate: Candidate) -> Body:
    if asked.size is None and asked.ratio is None:
        return {}
    if ability.size_fields == "aspect_ratio" or (ability.ratios and not ability.sizes):
        if asked.size is not None and candidate.spec.listed:
            text = "it draws by aspect_ratio, in sizes of its own. Give it an aspect_ratio in place of a size."
            raise CapabilityError(f"{named(candidate)}: {text}")
        ratio = ratio_for(asked, ability, candidate)
        return {} if ratio is None else {"aspect_ratio": ratio_text(ratio)}
    size = size_for(asked, ability, candidate)
    if size is None:
        return {}
    word = _SIZES.get(asked.ratio) if asked.ratio is not None and not ability.sizes else None
    pixels = {"width": size[0], "height": size[1]}
    if ability.size_fields == "width_height":
        return dict(pixels)
    return {"image_size": word or pixels}


def _pictures(images: tuple[Media, ...], field: str) -> Body:
    urls = [image.url or f"data:{image.mime};base64,{base64_of(image)}" for image in images]
    if not urls:
        return {}
    return {field: urls if field.endswith("s") else urls[0]}


def _quality(
    settings: Mapping[str, object], *, family: Family, ability: Ability, fields: Mapping[str, str]
) -> tuple[Body, list[str]]:
    word, steps, lines = quality_for(settings, ability)
    if steps is not None and "nb_steps" in settings:
        return {}, [f"quality {settings['quality']}: left out, nb_steps says more"]
    if steps is not None and "nb_steps" in fields:
        return {fields["nb_steps"]: str(steps) if family.counts else steps}, lines
    return ({fields.get("quality", "quality"): word}, lines) if word is not None else ({}, lines)


def _words(
    settings: Mapping[str, object], *, family: Family, ability: Ability, fields: Mapping[str, str]
) -> tuple[Body, list[str]]:
    body: Body = {}
    lines: list[str] = []
    for name in _SETTINGS:
        value = settings.get(name)
        if value is None or (name == "background" and ability.opaque):
            continue
        if name not in fields or name in ability.lacks:
            lines.append(left_out(name))
            continue
        fit = _within(name, value, family)
        if fit != value:
            lines.append(f"{name} {value}: sent as {fit}, the nearest that the model takes")
        body[fields[name]] = str(fit) if name in _TEXTS or (name == "nb_steps" and family.counts) else fit
    return body, lines


def _within(name: str, value: object, family: Family) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if name == "nb_steps" and family.counts:
        return min(family.counts, key=lambda count: abs(count - value))
    least, most = family.bounds.get(name, (value, value))
    return type(value)(min(max(value, least), most))
