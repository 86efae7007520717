"""`text`, `object`, `extract` and `image`: one call each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from pipelex_like.cli import options as opt
from pipelex_like.cli.console import note, say, say_json
from pipelex_like.cli.failures import answering, refuse
from pipelex_like.cli.files import free_path, page_numbers, save_pictures
from pipelex_like.cli.records import result_record, summary, tool_call_record
from pipelex_like.cli.schemas import schema_from
from pipelex_like.cli.session import given, load, parse_settings, read_prompt, tell_adapted, usage_errors, waiting

if TYPE_CHECKING:
    from pipelex_like.engine import Inference
    from pipelex_like.engine.options import ExtractOptions, ImageOptions, LlmOptions
    from pipelex_like.types import ObjectResult, Result, TextResult

Prompt = Annotated[str, typer.Argument(help="The prompt, or - for standard input.", show_default=False)]
System = Annotated[str | None, typer.Option("--system", help="System text.")]
Images = Annotated[list[Path] | None, typer.Option("--image", help="A picture for the model; repeat it.")]
Documents = Annotated[
    list[Path] | None, typer.Option("--document", help="A PDF or text file for the model; repeat it.")
]


@dataclass(frozen=True, slots=True)
class Said:
    """What goes along with a prompt."""

    model: str | None
    system: str | None
    images: tuple[Path, ...]
    documents: tuple[Path, ...]


def text(
    prompt: Prompt,
    *,
    model: opt.Model = None,
    system: System = None,
    image: Images = None,
    document: Documents = None,
    stream: Annotated[bool, typer.Option("--stream", help="Show the answer as it comes.")] = False,
    settings: opt.Set = None,
    provider: opt.Provider = None,
    only: opt.Only = None,
    exclude: opt.Exclude = None,
    timeout: opt.Timeout = None,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Answer a prompt in text.

    Example: pipelex-like text "Name three rivers" --model preset:llm_for_creative_writing
    """
    said = Said(model, system, tuple(image or ()), tuple(document or ()))
    wanted = given(provider=provider, only=only, exclude=exclude, timeout=timeout) | parse_settings(settings)
    with answering(as_json=as_json), usage_errors(), load(config_dir, profile, env_file) as ai:
        asked = read_prompt(prompt)
        if stream:
            result = _streamed(ai, asked, said, wanted, show=not as_json)
        else:
            with waiting("waiting for the answer"):
                result = ai.sync.generate_text(
                    asked,
                    model=said.model,
                    system=said.system,
                    images=said.images,
                    documents=said.documents,
                    **cast("LlmOptions", wanted),
                )
        if as_json:
            calls = [tool_call_record(call) for call in result.tool_calls]
            say_json(result_record(result, {"text": result.text, "tool_calls": calls, "reasoning": result.reasoning}))
            return
        if not stream:
            say(result.text)
        _tell(result)


def _streamed(ai: Inference, prompt: str, said: Said, wanted: dict[str, object], *, show: bool) -> TextResult:
    stream = ai.sync.stream_text(
        prompt,
        model=said.model,
        system=said.system,
        images=said.images,
        documents=said.documents,
        **cast("LlmOptions", wanted),
    )
    with stream as events:
        for event in events:
            if show and event.type == "text":
                typer.echo(event.text, nl=False)
        if show:
            typer.echo()
        return events.result()


def object_(
    prompt: Prompt,
    *,
    schema: Annotated[Path | None, typer.Option("--schema", help="File with a JSON Schema.")] = None,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="MODULE:NAME", help="A pydantic model or any other Python type.")
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option("--field", metavar="NAME[:TYPE]", help="A field: text, integer, number, flag or date; repeat it."),
    ] = None,
    model: opt.Model = None,
    system: System = None,
    image: Images = None,
    document: Documents = None,
    settings: opt.Set = None,
    provider: opt.Provider = None,
    only: opt.Only = None,
    exclude: opt.Exclude = None,
    timeout: opt.Timeout = None,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Answer a prompt with a checked object; its JSON goes to standard output.

    Example: pipelex-like object "Ada Lovelace, born 1815" --field name --field born:integer
    """
    wanted = given(provider=provider, only=only, exclude=exclude, timeout=timeout) | parse_settings(settings)
    with answering(as_json=as_json), usage_errors():
        shape = schema_from(schema, type_, field)
        with load(config_dir, profile, env_file) as ai:
            asked = read_prompt(prompt)
            with waiting("waiting for the object"):
                result: ObjectResult[object] = ai.sync.generate_object(
                    asked,
                    shape,
                    model=model,
                    system=system,
                    images=tuple(image or ()),
                    documents=tuple(document or ()),
                    **cast("LlmOptions", wanted),
                )
            value = jsonable(result.object)
            say_json(result_record(result, {"object": value}) if as_json else value)
            if not as_json:
                _tell(result)


def extract(
    file: Annotated[str, typer.Argument(help="A PDF or picture: a path or a URL.", show_default=False)],
    *,
    pages: Annotated[str | None, typer.Option("--pages", help="Pages, for example 1-3,7.")] = None,
    images_dir: Annotated[
        Path | None, typer.Option("--images-dir", help="Save the pictures of the document there.")
    ] = None,
    model: opt.Model = None,
    settings: opt.Set = None,
    provider: opt.Provider = None,
    only: opt.Only = None,
    exclude: opt.Exclude = None,
    timeout: opt.Timeout = None,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Read a document: its text, page by page.

    Example: pipelex-like extract invoice.pdf --model preset:extract_text_from_pdf
    """
    wanted = given(provider=provider, only=only, exclude=exclude, timeout=timeout) | parse_settings(settings)
    numbers = page_numbers(pages)
    with answering(as_json=as_json), usage_errors(), load(config_dir, profile, env_file) as ai:
        if images_dir is not None:  # before anything is paid for
            images_dir.mkdir(parents=True, exist_ok=True)
        with waiting(f"reading {file}"):
            result = ai.sync.extract(file, model=model, pages=numbers, **cast("ExtractOptions", wanted))
        saved = save_pictures(result, images_dir) if images_dir else {}
        if as_json:
            found = [
                {"number": page.number, "text": page.text, "images": saved.get(page.number, [])}
                for page in result.pages
            ]
            say_json(result_record(result, {"pages": found}))
            return
        say(result.text)
        _tell(result)


def image(
    prompt: Prompt = "",
    *,
    n: Annotated[int, typer.Option("--n", "-n", min=1, max=10, help="How many pictures.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; with several, a number is added to its name.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="ID", help="Fetch the pictures of this job; no prompt.")
    ] = None,
    image: Images = None,
    model: opt.Model = None,
    settings: opt.Set = None,
    provider: opt.Provider = None,
    only: opt.Only = None,
    exclude: opt.Exclude = None,
    timeout: opt.Timeout = None,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Draw pictures and save them; nothing that exists is overwritten.

    Example: pipelex-like image "a lighthouse at dawn" --model preset:gen_image_fast --out lighthouse.png
    """
    if not prompt and resume is None:
        refuse("the prompt is missing; write what to draw, or - for standard input")
    wanted = given(provider=provider, only=only, exclude=exclude, timeout=timeout) | parse_settings(settings)
    if out is not None and not out.is_dir() and not out.absolute().parent.is_dir():
        refuse(f"{out.parent} is not a folder: make it first, or choose another --out")
    with answering(as_json=as_json), usage_errors(), load(config_dir, profile, env_file) as ai:
        asked = read_prompt(prompt)
        with waiting("drawing"):
            go_by = tuple(image or ())
            more = cast("ImageOptions", wanted)
            result = ai.sync.generate_images(asked, model=model, n=n, images=go_by, resume=resume, **more)
        drawn: list[dict[str, object]] = []
        for picture in result.images:
            path = picture.save(free_path(out, picture.mime))
            drawn.append({"path": str(path), "width": picture.width, "height": picture.height})
        if as_json:
            say_json(result_record(result, {"images": drawn}))
            return
        for entry in drawn:
            say(str(entry["path"]))
        _tell(result)


def jsonable(value: object) -> object:
    """The object as plain JSON values, whatever type it was asked for as."""
    from pydantic import TypeAdapter

    return TypeAdapter[object](type(value)).dump_python(value, mode="json")


def _tell(result: Result) -> None:
    tell_adapted(result.adapted)
    note(summary(result), style="dim")
