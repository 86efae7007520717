"""From the arguments of a call to everything that is decided before its first request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from pipelex_like.engine.calls import Call
from pipelex_like.engine.inputs import conversation
from pipelex_like.engine.limits import Rules, saying
from pipelex_like.engine.media import read_media
from pipelex_like.engine.options import check_options
from pipelex_like.engine.resuming import primary_only
from pipelex_like.engine.tools import read_tools
from pipelex_like.types import ExtractJob, ImageJob, LlmJob, Message, OpaquePart, is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipelex_like.deck import Candidate, Policy
    from pipelex_like.engine.core import Core, State
    from pipelex_like.engine.inputs import PromptLike
    from pipelex_like.engine.load import Bound
    from pipelex_like.engine.media import MediaLike
    from pipelex_like.engine.options import Scope
    from pipelex_like.engine.tools import ToolLike
    from pipelex_like.types import Kind, ObjectSchema

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)
ModelLike = str | dict[str, object]
Slot = Literal["for_text", "for_object", "default"]
_OUTPUTS = {"for_text": "text", "for_object": "json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Who is asked, and under which options; `model` None = the deck's default choice for `slot`."""

    core: Core
    scope: Scope
    model: ModelLike | None
    options: Mapping[str, object]
    kind: Kind
    slot: Slot = "default"
    streamed: bool = False


def plan(ask: Ask, job_for: Callable[[Candidate], tuple[J, tuple[str, ...]]]) -> Call[J]:
    """Route the call and collect its rules.

    Raises TypeError or ValueError for wrong options, ResolveError for a model that leads nowhere, ConfigError for
    a profile that is not there.
    """
    ask.core.check_open()
    options = check_options(ask.kind, ask.options)
    scope = options.scope.within(ask.scope)
    state = ask.core.state
    bound = state.under(scope.profile)
    model = bound.router.default(ask.kind, ask.slot) if ask.model is None else ask.model
    if not isinstance(model, str):
        if not is_table(model):
            raise TypeError(f"model: expected a reference or an inline table, got {type(model).__name__}")
        check_options(ask.kind, {name: value for name, value in model.items() if name != "model"})
    route = bound.router.route(
        model,
        ask.kind,
        provider=scope.provider,
        only=scope.only,
        exclude=scope.exclude,
        settings=options.settings,
    )
    rules = _rules(saying(options.policy, route.policy), state, bound)
    return Call(
        core=ask.core,
        state=state,
        route=route,
        rules=rules,
        profile=bound.deck.profile.name,
        job_for=job_for,
        tags=options.tags,
        output=_OUTPUTS.get(ask.slot),
        streamed=ask.streamed,
    )


def _rules(policies: tuple[Policy, ...], state: State, bound: Bound) -> Rules:
    if policies:
        return Rules(policies, bound.deck.backends)
    # Most calls say nothing: what holds for them is worked out once.
    profile = bound.deck.profile.name
    return state.usual.get(profile) or state.usual.setdefault(profile, Rules((), bound.deck.backends))


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The prompt of a language model with all that goes along."""

    prompt: PromptLike
    system: str | None
    images: Sequence[MediaLike] | None
    documents: Sequence[MediaLike] | None
    tools: Sequence[ToolLike] | None = ()


def llm_call(ask: Ask, said: Said, schema: ObjectSchema | None = None) -> Call[LlmJob]:
    """Plan a text or an object."""
    messages = conversation(said.prompt, system=said.system, images=said.images, documents=said.documents)
    tools = read_tools(said.tools) if said.tools else ()
    opaque = any(isinstance(part, OpaquePart) for message in messages for part in message.parts)

    def job_for(candidate: Candidate) -> tuple[LlmJob, tuple[str, ...]]:
        kept, left_out = _without_foreign(messages, candidate.backend) if opaque else (messages, ())
        return LlmJob(messages=kept, tools=tools, schema=schema, settings=candidate.settings), left_out

    return plan(ask, job_for)


def extract_call(ask: Ask, document: MediaLike, pages: Sequence[int]) -> Call[ExtractJob]:
    """Plan the reading of a document."""
    media, numbers = read_media(document), _page_numbers(pages)
    return plan(ask, lambda candidate: (ExtractJob(document=media, pages=numbers, settings=candidate.settings), ()))


def image_call(
    ask: Ask, prompt: str, n: int, images: Sequence[MediaLike] | None, *, resume: str | None = None
) -> Call[ImageJob]:
    """Plan the drawing of pictures, or with `resume` the taking up of a job, from the first candidate alone."""
    if not isinstance(prompt, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"prompt: expected a text, got {type(prompt).__name__}")
    if resume is not None and not isinstance(resume, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"resume: expected the id of a job, got {type(resume).__name__}")
    if resume is not None and not resume.strip():
        raise ValueError("resume: the id of the job is empty")
    if resume is None and not prompt.strip():
        raise ValueError("the prompt is empty")
    if _is_no_count(n):
        raise TypeError(f"n: expected a number of pictures, got {type(n).__name__}")
    if n < 1:
        raise ValueError(f"n: expected a number of pictures from 1, got {n!r}")
    models = tuple(read_media(image) for image in images or ())

    def job_for(candidate: Candidate) -> tuple[ImageJob, tuple[str, ...]]:
        return ImageJob(prompt=prompt, n=n, images=models, settings=candidate.settings, resume=resume), ()

    call = plan(ask, job_for)
    return call if resume is None else replace(call, route=primary_only(call.route))


def _page_numbers(pages: object) -> tuple[int, ...]:
    if isinstance(pages, str | bytes) or not isinstance(pages, Iterable):
        raise TypeError(f"pages: expected a list of page numbers, got {type(pages).__name__}")
    numbers = tuple(cast("Iterable[int]", pages))
    for number in numbers:
        if _is_no_count(number):
            raise TypeError(f"pages: expected numbers, got {number!r}")
        if number < 1:
            raise ValueError(f"pages: numbers count from 1, got {number!r}")
    return numbers


def _is_no_count(value: object) -> bool:
    return isinstance(value, bool) or not isinstance(value, int)


def _without_foreign(messages: tuple[Message, ...], backend: str) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    kept: list[Message] = []
    authors: dict[str, None] = {}
    for message in messages:
        foreign = [part.backend for part in message.parts if isinstance(part, OpaquePart) and part.backend != backend]
        if not foreign:
            kept.append(message)
            continue
        authors.update(dict.fromkeys(foreign))
        parts = tuple(part for part in message.parts if not isinstance(part, OpaquePart) or part.backend == backend)
        if parts:
            kept.append(Message(message.role, parts))
    return tuple(kept), tuple(f'what only "{name}" understands was left out of the conversation' for name in authors)
