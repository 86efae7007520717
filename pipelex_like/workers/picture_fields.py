"""Settings of pictures under the names that a wire has for them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.workers.picture_rules import format_for, left_out, quality_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelex_like.workers.picture_families import Ability

Body = dict[str, object]

_APART = ("size", "aspect_ratio", "quality", "nb_steps", "output_format", "extra")
# Switches that stand the other way round on the wire, or have words.
_SWITCHES: Mapping[str, Callable[[object], object]] = {
    "moderation": lambda wanted: "auto" if wanted else "low",
    "disable_safety_checker": lambda wanted: not wanted,
}


def worded(
    settings: Mapping[str, object], ability: Ability, fields: Mapping[str, str], *, edits: bool = False
) -> tuple[Body, list[str]]:
    """Give the settings under the wire's names, and a line for each that was changed or left out.

    Shape, number and reference pictures are not among them: each wire has ways of its own for those.
    """
    body, lines = _effort(settings, ability, fields)
    form, changed = format_for(settings, ability)
    lines += changed
    if form is not None and "output_format" in fields:
        body[fields["output_format"]] = form
    elif form is not None:
        lines.append(left_out("output_format"))
    for name, value in settings.items():
        if name in _APART:
            continue
        field = fields.get(name)
        if field is None or name in ability.lacks:
            lines.append(left_out(name))
        elif name == "input_fidelity" and not edits:
            lines.append("input_fidelity: left out, there are no reference pictures")
        elif field == "moderation" and edits:
            lines.append("is_moderated: left out, requests with reference pictures have no word for it")
        elif name == "output_compression" and form not in ("jpeg", "webp"):
            lines.append("output_compression: left out, it is for output_format jpeg and webp")
        else:
            body[field] = _SWITCHES.get(field, _as_it_is)(value)
    return body, lines


def _as_it_is(value: object) -> object:
    return value


def _effort(settings: Mapping[str, object], ability: Ability, fields: Mapping[str, str]) -> tuple[Body, list[str]]:
    """Say how much work goes into a picture: in a word or in steps, as the model has it."""
    steps_field = None if "nb_steps" in ability.lacks else fields.get("nb_steps")
    given = settings.get("nb_steps")
    if given is not None and steps_field is not None:
        return {steps_field: given}, []
    word, steps, lines = quality_for(settings, ability)
    if given is not None:
        lines = [*lines, left_out("nb_steps")]
    if steps is not None:
        return ({}, [*lines[1:], left_out("quality")]) if steps_field is None else ({steps_field: steps}, lines)
    if word is None:
        return {}, lines
    return ({fields["quality"]: word}, lines) if "quality" in fields else ({}, [left_out("quality")])
