"""A job as an image request: a generation, or an edit where there are pictures to go by. Pure.

What each model takes: https://developers.openai.com/api/docs/guides/image-generation and the rules of its spec.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pipelex_like.errors import CapabilityError
from pipelex_like.types import is_table, thaw
from pipelex_like.workers import picture_families as families
from pipelex_like.workers.picture_families import ANY, FAMILIES
from pipelex_like.workers.picture_fields import worded
from pipelex_like.workers.picture_rules import (
    checked,
    named,
    ratio_for,
    size_for,
)
from pipelex_like.workers.picture_words import Asked, ratio_text, size_text

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate, ModelSpec
    from pipelex_like.types import ImageJob, Media
    from pipelex_like.workers.picture_families import Ability

Body = dict[str, object]
File = tuple[str, tuple[str, bytes, str]]
"""A field of a multipart form: its name, and the file's name, bytes and MIME type."""

Path = Literal["/images/generations", "/images/edits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What to send: `body` as JSON, or with `files` as a multipart form; `asked` is what the pictures should be."""

    path: Path
    body: Body
    files: tuple[File, ...]
    asked: Asked
    adapted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """How a family is spoken to: what it can draw, and whether it speaks OpenAI's newer words."""

    ability: Ability
    gpt: bool = False


_GPT = ("gpt", "gpt_image", "gpt_image_legacy", "gpt_image_mini", "gpt_image_2", "gpt_image_2_5")
_BY_NAME: tuple[tuple[str, _Family], ...] = (
    ("gpt-image-2.", _Family(ability=families.GPT_IMAGE_2_5, gpt=True)),
    ("gpt-image-2", _Family(ability=families.GPT_IMAGE_2, gpt=True)),
    ("gpt-image-1-mini", _Family(ability=families.GPT_IMAGE_MINI, gpt=True)),
    ("gpt-image", _Family(ability=families.GPT_IMAGE, gpt=True)),
    ("chatgpt-image", _Family(ability=families.GPT_IMAGE, gpt=True)),
    ("dall-e-3", _Family(ability=families.DALL_E_3)),
    ("dall-e-2", _Family(ability=families.DALL_E_2)),
)
_SAID_BY = ("aspect_ratio", "output_format", "background", "num_images")
_FIELDS = {name: name for name in ("quality", "background", "output_format", "output_compression")}
_GPT_FIELDS = {**_FIELDS, "is_moderated": "moderation", "input_fidelity": "input_fidelity"}
# A model of which nothing is known is sent what was said.
_OTHER = _Family(ability=replace(ANY, qualities=families.GPT_IMAGE.qualities))


def drawing_of(job: ImageJob, candidate: Candidate) -> Drawing:
    """Give what to send, and a line for each setting that was changed or left out.

    Raises CapabilityError or BadRequestError for what the model cannot do, before anything is spent.
    """
    family = _family_of(candidate.spec, candidate.model_id)
    asked, ability = checked(job, candidate, base=family.ability)
    settings = {key: value for key, value in job.settings.items() if value is not None}
    body: Body = {"model": candidate.model_id, "prompt": job.prompt, "n": job.n}
    body.update(_shape(asked, ability, candidate))
    if family.gpt and "size" not in body and "auto" in (settings.get("size"), settings.get("aspect_ratio")):
        body["size"] = "auto"
    fields = ability.fields or (_GPT_FIELDS if family.gpt else _FIELDS)
    told, adapted = worded(settings, ability, fields, edits=bool(job.images))
    body.update(told)
    if not family.gpt:
        body["response_format"] = "b64_json"
    path, pictures, files = _references(job, ability, candidate)
    extra = thaw(settings.get("extra", {}))
    body = {**body, **pictures, **(extra if is_table(extra) else {})}
    return Drawing(path=path, body=body, files=files, asked=asked, adapted=tuple(adapted))


def _family_of(spec: ModelSpec, model_id: str) -> _Family:
    said = [spec.rules.get(rule) for rule in _SAID_BY]
    word = next((word for word in said if isinstance(word, str) and word in FAMILIES), None)
    if word is not None:
        return _Family(ability=FAMILIES[word], gpt=word in _GPT)
    name = model_id.rpartition("/")[2]
    return next((family for start, family in _BY_NAME if name.startswith(start)), _OTHER)


def _shape(asked: Asked, ability: Ability, candidate: Candidate) -> Body:
    if ability.size_fields == "aspect_ratio":
        ratio = ratio_for(asked, ability, candidate)
        return {} if ratio is None else {"aspect_ratio": ratio_text(ratio)}
    size = size_for(asked, ability, candidate)
    if size is None:
        return {}
    if ability.size_fields == "width_height":
        return {"width": size[0], "height": size[1]}
    return {"size": size_text(size)}


def _references(job: ImageJob, ability: Ability, candidate: Candidate) -> tuple[Path, Body, tuple[File, ...]]:
    """Say where the reference pictures go: a field of the spec's naming, files of a form, or addresses."""
    field = ability.references_field
    if not job.images:
        return "/images/generations", {}, ()
    if field is None and all(media.data is not None for media in job.images):
        name = "image" if len(job.images) == 1 else "image[]"
        return "/images/edits", {}, tuple((name, _file(media, place)) for place, media in enumerate(job.images, 1))
    addresses = [_address(media) for media in job.images]
    if field is None:
        return "/images/edits", {"images": [{"image_url": address} for address in addresses]}, ()
    if field.endswith("s"):
        return "/images/generations", {field: addresses}, ()
    if len(addresses) > 1:
        raise CapabilityError(f"{named(candidate)}: of reference pictures it takes one, not {len(addresses)}.")
    return "/images/generations", {field: addresses[0]}, ()


def _address(media: Media) -> str:
    if media.data is None:
        return media.url or ""
    return f"data:{media.mime};base64,{b64encode(media.data).decode()}"


def _file(media: Media, place: int) -> tuple[str, bytes, str]:
    ending = media.mime.rpartition("/")[2]
    return media.name or f"picture-{place}.{ending}", media.data or b"", media.mime
