"""What is refused before it costs, and what is asked for instead: a job against what its model can draw. Pure.

The keys of `[handle.rules]` and what each takes stand in docs/pictures.md. Nothing here knows a wire format.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipelex_like.errors import BadRequestError, CapabilityError
from pipelex_like.types import FrozenDict, is_list, is_table
from pipelex_like.workers.picture_families import ANY, FAMILIES, Ability
from pipelex_like.workers.picture_words import (
    Asked,
    Pair,
    asked_of,
    free_size,
    lowest,
    nearest,
    ratio_parts,
    ratio_text,
    same_ratio,
    size_pair,
    size_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pipelex_like.deck import Candidate, ModelSpec
    from pipelex_like.types import ImageJob

# Rule -> what it tells of an Ability, and the settings that are left out where it is "unavailable".
_TOPICS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "prompt": ((), ("negative_prompt",)),
    "num_images": (("most",), ()),
    "aspect_ratio": (("sizes", "ratios", "step", "sides", "stretch"), ()),
    "inference": (("qualities", "steps"), ("quality", "nb_steps", "guidance_scale")),
    "safety_checker": ((), ("is_moderated", "safety_tolerance")),
    "output_format": (("formats",), ("output_format",)),
    "output_compression": ((), ("output_compression",)),
    "background": (("opaque",), ("background",)),
    "input_images": (("references",), ()),
    "input_fidelity": ((), ("input_fidelity",)),
    "specific": ((), ("is_raw",)),
}
_NONE: Mapping[str, dict[str, object]] = {
    "input_images": {"references": 0},
    "num_images": {"most": 1},
    "background": {"opaque": True},
}


def checked(job: ImageJob, candidate: Candidate, *, base: Ability = ANY) -> tuple[Asked, Ability]:
    """Give what is asked for and what the model can do: `base`, overlaid with the rules of its spec.

    Raises before anything is spent: CapabilityError where the pictures would be something else than asked (their
    number, a transparent background, reference pictures), BadRequestError for what no model could do. A model that no
    spec lists is refused nothing.
    """
    who = named(candidate)
    asked = asked_of(job, who)
    ability = ability_of(candidate.spec, base)
    transparent = job.settings.get("background") == "transparent"
    if transparent and asked.mime == "image/jpeg":
        raise BadRequestError(f"{who}: a JPEG has no transparent background. Choose output_format png or webp.")
    gap = _gap(job, ability, transparent=transparent) if candidate.spec.listed else None
    if gap is not None:
        raise CapabilityError(f"{who}: {gap}")
    return asked, ability


def named(candidate: Candidate) -> str:
    """Name the candidate as messages begin."""
    return f"{candidate.backend} ({candidate.model_id})"


def _gap(job: ImageJob, ability: Ability, *, transparent: bool) -> str | None:
    if ability.most is not None and job.n > ability.most:
        many = "one picture" if ability.most == 1 else f"{ability.most} pictures"
        return f"a request draws {many} at most, not {job.n}. Ask for fewer."
    if ability.references is not None and len(job.images) > ability.references:
        limit = f"{ability.references} at most, not {len(job.images)}" if ability.references else "none"
        return f"of reference pictures it takes {limit}."
    if transparent and (ability.opaque or "background" in ability.lacks):
        return "it draws no transparent background. Leave that out, or choose another model."
    return None


def size_for(asked: Asked, ability: Ability, candidate: Candidate) -> Pair | None:
    """Give the size in pixels to ask for, or None where any will do.

    Raises CapabilityError, with what there is, for a size or ratio that the model does not draw; where no spec lists
    the model, a size stays as it is and a ratio gets the nearest size.
    """
    strict = candidate.spec.listed
    if asked.size is not None:
        size = asked.size
        fault = _size_fault(size, ability)
    elif asked.ratio is not None:
        size, fault = _size_of_ratio(asked.ratio, ability)
    else:
        return None
    if strict and fault is not None:
        what = f"the size {size_text(asked.size)}" if asked.size else f"the ratio {ratio_text(asked.ratio or size)}"
        raise CapabilityError(f"{named(candidate)}: it cannot draw {what}. It draws {fault}.")
    return size


def _size_fault(size: Pair, ability: Ability) -> str | None:
    if ability.sizes:
        return None if size in ability.sizes else _listed(size_text, ability.sizes)
    if ability.ratios and not same_ratio(size, nearest(size, ability.ratios)):
        return _listed(ratio_text, ability.ratios)
    if any(side % ability.step for side in size):
        return f"sides in steps of {ability.step} pixels"
    if ability.sides and (min(size) < ability.sides[0] or max(size) > ability.sides[1]):
        return f"sides of {ability.sides[0]} to {ability.sides[1]} pixels"
    if ability.stretch and max(size) > ability.stretch * min(size):
        return f"ratios up to {ability.stretch:g}:1"
    return None


def _size_of_ratio(ratio: Pair, ability: Ability) -> tuple[Pair, str | None]:
    if ability.sizes:
        size = nearest(ratio, ability.sizes)
        return size, None if same_ratio(size, ratio) else _listed(size_text, ability.sizes)
    size = _fitting(ratio, ability)
    if ability.ratios and not same_ratio(ratio, nearest(ratio, ability.ratios)):
        return size, _listed(ratio_text, ability.ratios)
    if ability.stretch and max(ratio) > ability.stretch * min(ratio):
        return size, f"ratios up to {ability.stretch:g}:1"
    return size, None


def _fitting(ratio: Pair, ability: Ability) -> Pair:
    """Give a size of our own choice: about a million pixels, or fewer where the longer side allows no more."""
    step = ability.step if ability.step > 1 else 16
    if ability.sides is None:
        return free_size(ratio, step=step)
    most = ability.sides[1] ** 2 * min(ratio) // max(ratio)
    return free_size(ratio, pixels=min(most, 1024 * 1024), step=step)


def ratio_for(asked: Asked, ability: Ability, candidate: Candidate) -> Pair | None:
    """Give the ratio to ask for, in smallest parts, or None where any will do; raises as `size_for` does."""
    wanted = asked.ratio or (lowest(asked.size) if asked.size else None)
    ratios = ability.ratios or tuple(lowest(size) for size in ability.sizes)
    if wanted is None or not ratios:
        return wanted
    found = nearest(wanted, ratios)
    if candidate.spec.listed and not same_ratio(found, wanted):
        text = f"it cannot draw the ratio {ratio_text(wanted)}. It draws {_listed(ratio_text, ratios)}."
        raise CapabilityError(f"{named(candidate)}: {text}")
    return found


def _listed(text: Callable[[Pair], str], pairs: Iterable[Pair]) -> str:
    return ", ".join(text(pair) for pair in pairs)


def left_out(name: str) -> str:
    """Write the line for a setting that the model has no word for."""
    return f"{name}: left out, the model has no word for it"


def quality_for(settings: Mapping[str, object], ability: Ability) -> tuple[str | None, int | None, list[str]]:
    """Give the model's word for the quality, or the steps of diffusion that stand for it, and what was changed.

    `auto` is what a model without that word does anyway.
    """
    quality = settings.get("quality")
    if quality is None or (quality == "auto" and "auto" not in ability.qualities):
        return None, None, []
    steps = ability.steps.get(str(quality))
    if steps is not None:
        return None, steps, [f"quality {quality}: sent as {steps} steps"]
    said = None if "quality" in ability.lacks else ability.qualities.get(str(quality))
    if said is None:
        return None, None, [f"quality {quality}: left out, the model has no such choice"]
    return said, None, [] if said == quality else [f"quality {quality}: sent as {said}"]


def format_for(settings: Mapping[str, object], ability: Ability) -> tuple[str | None, list[str]]:
    """Give the file format to ask for (`jpeg`, never `jpg`), and what was changed: one that the model does not write
    is left out."""
    said = settings.get("output_format")
    if said is None:
        return None, []
    form = "jpeg" if said == "jpg" else str(said)
    if "output_format" in ability.lacks:
        return None, [left_out("output_format")]
    if ability.formats and form not in ability.formats:
        return None, [f"output_format {form}: left out, the model writes {', '.join(ability.formats)}"]
    return form, []


def ability_of(spec: ModelSpec, base: Ability = ANY) -> Ability:
    """Overlay `base` with the spec's rules, topic by topic; a word that names no family tells nothing."""
    ability, rules = base, spec.rules
    for rule, (facts, settings) in _TOPICS.items():
        said = rules.get(rule)
        if isinstance(said, str):
            ability = _by_word(ability, said, rule=rule, facts=facts, settings=frozenset(settings))
    lacking = {name for name, said in rules.items() if said == "unavailable" and name not in _TOPICS}
    told = _in_plain_words(rules)
    named_fields = frozenset(told["fields"]) if "fields" in told else frozenset[str]()
    return replace(ability, **told, lacks=(ability.lacks | lacking) - named_fields)


def _by_word(ability: Ability, said: str, *, rule: str, facts: tuple[str, ...], settings: frozenset[str]) -> Ability:
    if said in ("unavailable", "positive_only"):
        return replace(ability, lacks=ability.lacks | settings, **_NONE.get(rule, {}))
    if said in ("available", "with_negative"):
        return replace(ability, lacks=ability.lacks - settings)
    if (rule, said) == ("background", "opaque"):
        return replace(ability, opaque=True)
    family = FAMILIES.get(said)
    if family is None:
        return ability
    told = {name: getattr(family, name) for name in facts}
    return replace(ability, **told, lacks=(ability.lacks - settings) | (family.lacks & settings))


def _in_plain_words(rules: Mapping[str, object]) -> dict[str, Any]:
    read: Mapping[str, tuple[str, Callable[[object], object]]] = {
        "sizes": ("sizes", lambda said: _pairs(said, size_pair)),
        "aspect_ratios": ("ratios", lambda said: _pairs(said, ratio_parts)),
        "size_step": ("step", _count),
        "sides": ("sides", _two),
        "num_images": ("most", _count),
        "input_images": ("references", _count),
        "output_format": ("formats", _words),
        "qualities": ("qualities", _mapped),
        "steps": ("steps", _mapped),
        "fields": ("fields", _mapped),
        "size_fields": ("size_fields", _word),
        "input_images_field": ("references_field", _word),
    }
    told = {fact: reader(rules[rule]) for rule, (fact, reader) in read.items() if rule in rules}
    return {fact: value for fact, value in told.items() if value is not None}


def _pairs(said: object, reader: Callable[[str], Pair | None]) -> tuple[Pair, ...] | None:
    pairs = [reader(str(item)) for item in said] if is_list(said) else []
    return tuple(pair for pair in pairs if pair is not None) or None


def _count(said: object) -> int | None:
    return said if isinstance(said, int) and not isinstance(said, bool) else None


def _two(said: object) -> Pair | None:
    counts = [_count(item) for item in said] if is_list(said) else []
    return (counts[0], counts[1]) if len(counts) == 2 and counts[0] and counts[1] else None


def _word(said: object) -> str | None:
    return said if isinstance(said, str) else None


def _words(said: object) -> tuple[str, ...] | None:
    return tuple(str(item) for item in said) if is_list(said) else None


def _mapped(said: object) -> FrozenDict[str, object] | None:
    if is_list(said):
        return FrozenDict({str(item): item for item in said})
    return FrozenDict(said) if is_table(said) else None
