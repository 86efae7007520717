"""`quickstart`: a real invoice through three tasks of the deck, and what decided each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelex_like.cli import options as opt
from pipelex_like.cli.console import note, say
from pipelex_like.cli.failures import answering
from pipelex_like.cli.files import free_path
from pipelex_like.cli.plan import plan_picture, plan_text, usable
from pipelex_like.cli.records import summary
from pipelex_like.cli.session import load, waiting
from pipelex_like.data import KIT, SAMPLES
from pipelex_like.errors import ConfigError, PipelexLikeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelex_like.cli.plan import Plan
    from pipelex_like.engine import Inference, View
    from pipelex_like.routing import Step
    from pipelex_like.types import Kind, Result

READ, FILL, DRAW = "preset:extract_text_from_pdf", "preset:llm_to_extract_invoice", "preset:gen_image_basic"
SCAN = "tesseract-ocr"


@dataclass(slots=True)
class Tally:
    """How many steps went wrong."""

    failed: int = 0


def quickstart(
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="File for the picture; nothing is overwritten.")] = Path(
        "quickstart.png"
    ),
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Read a sample invoice, fill a typed object from it, and draw a picture; no key is needed.

    Example: pipelex-like quickstart
    """
    tally = Tally()
    with answering(), _load(config_dir, profile, env_file) as ai:
        say(f"Configuration: {ai.place.directory} ({ai.place.chosen_by})")
        say(f"Profile: {ai.profile.name}, chosen by {ai.profile_from}")
        text = _read_invoice(ai, tally)
        _read_scan(ai, tally)
        if text is not None:
            _fill(ai, text, tally)
        _draw(ai, out, tally)
        _how_on(ai)
    if tally.failed:
        raise typer.Exit(1)


def _load(config_dir: Path | None, profile: str | None, env_file: Path | None) -> Inference:
    ai = load(config_dir, profile, env_file)
    missing = [name for name in (READ, FILL, DRAW) if not _has(ai, name)]
    missing += [f"profile {name}" for name in ("local", "sandbox") if name not in ai.profiles]
    if not missing:
        return ai
    ai.close()
    note(f"Your configuration has no {', no '.join(missing)}; so this runs on the packaged kit.", style="yellow")
    try:
        return load(KIT, profile, env_file)
    except ConfigError:
        return load(KIT, None, env_file)


def _has(ai: View, reference: str) -> bool:
    return any(name == reference.partition(":")[2] for _, name in ai.deck.presets)


def _read_invoice(ai: View, tally: Tally) -> str | None:
    _title("1. Read a PDF", READ)
    plan_profile = None if usable(ai, READ, "extract") else "local"
    view = ai.using(profile=plan_profile) if plan_profile else ai
    try:
        result = view.sync.extract(SAMPLES / "invoice.pdf", model=READ)
    except PipelexLikeError as error:
        return _failed(error, tally)
    say("\n".join(f"    | {line}" for line in result.text.strip().splitlines()[:8]))
    _tell(view, result, READ, "extract")
    return result.text


def _read_scan(ai: View, tally: Tally) -> None:
    _title("2. Read a scanned page", SCAN)
    view = ai.using(profile="local")
    try:
        with waiting("reading the scan"):
            result = view.sync.extract(SAMPLES / "invoice_scan.pdf", model=SCAN)
    except PipelexLikeError as error:
        say(f"  left out: {error}")
        return
    say("\n".join(f"    | {line}" for line in result.text.strip().splitlines()[:4]))
    _tell(view, result, SCAN, "extract")


def _fill(ai: View, text: str, tally: Tally) -> None:
    from pipelex_like.cli.invoice import Invoice

    _title("3. Fill a typed Invoice", FILL)
    plan = plan_text(ai, FILL)
    view = _under(ai, plan)
    try:
        with waiting("filling the invoice"):
            result = view.sync.generate_object(text, Invoice, model=FILL)
    except PipelexLikeError as error:
        _failed(error, tally)
        return
    for name, value in result.object:
        say(f"    {name} = {value}")
    _tell(view, result, FILL, "llm")


def _draw(ai: View, out: Path, tally: Tally) -> None:
    _title("4. Draw a picture", DRAW)
    view = _under(ai, plan_picture(ai, DRAW))
    try:
        with waiting("drawing"):
            result = view.sync.generate_images("a lighthouse at dawn, flat colours", model=DRAW)
    except PipelexLikeError as error:
        _failed(error, tally)
        return
    for picture in result.images:
        path = free_path(out, picture.mime)
        try:
            say(f"    {picture.save(path)} ({picture.width} x {picture.height})")
        except OSError as error:
            tally.failed += 1
            note(f"  {path} cannot be written ({error.strerror}): choose another place by --out", style="red")
    _tell(view, result, DRAW, "img_gen")


def _under(ai: View, plan: Plan) -> View:
    say(f"  {plan.why}" + (f" (profile {plan.profile})" if plan.profile else ""))
    return ai.using(profile=plan.profile) if plan.profile else ai


def _title(title: str, reference: str) -> None:
    say(f"\n{title}: {reference}")


def _tell(ai: View, result: Result, reference: str, kind: Kind) -> None:
    say(f"  {summary(result)}")
    if result.simulated:
        say("  This answer is simulated: the sandbox made it up, no model was asked.")
    for step in deciding(ai.router.explain(reference, kind=kind).steps):
        say(f"  decided: {step.text}  [{step.place}]")


def deciding(steps: Sequence[Step]) -> list[Step]:
    """The steps that gave the first candidate its backend: profile, stand-in if there is one, and the rule."""
    chosen: list[Step] = []
    for step in steps:
        if step.verdict != "chosen" or step.origin is None:
            continue
        chosen.append(step)
        path = step.origin.path
        if path != ("active",) and len(path) > 2 - (path[0] != "profiles") and "stand_ins" not in path:
            break
    return chosen


def _failed(error: PipelexLikeError, tally: Tally) -> None:
    tally.failed += 1
    note(f"  failed: {type(error).__name__}: {error}", style="red")


def _how_on(ai: View) -> None:
    keys = [f"{backend.name}: {', '.join(backend.missing)}" for backend in ai.backends.values() if backend.missing]
    say("\nWith a key of your own")
    say("  Put it into .env, for example OPENAI_API_KEY=..., and run this again: the same tasks go to that provider.")
    if keys:
        say(f"  Variables that would switch a backend on: {'; '.join(keys)}")
    say("\nFrom here")
    say("  pipelex-like explain preset:llm_to_extract_invoice     why a task goes where it goes")
    say("  pipelex-like backends                                  who is on, and what is missing")
    say('  pipelex-like text "Hello" --profile local              another profile, the same command')
