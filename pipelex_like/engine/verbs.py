"""The six things that can be asked of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from pipelex_like.engine.options import ExtractOptions, ImageOptions, LlmOptions, Scope

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from pipelex_like.engine.core import Core
    from pipelex_like.engine.inputs import PromptLike
    from pipelex_like.engine.media import MediaLike
    from pipelex_like.engine.objects import ObjectShape
    from pipelex_like.engine.plan import ModelLike
    from pipelex_like.engine.streams import Stream
    from pipelex_like.engine.tools import ToolLike
    from pipelex_like.types import (
        ExtractResult,
        ImagesResult,
        ObjectResult,
        ObjectStreamEvent,
        TextResult,
        TextStreamEvent,
    )

T = TypeVar("T")


class Verbs:
    """Calls under one scope.

    What they need is imported when the first of them is made, so that loading a configuration costs nothing of it.
    Each raises TypeError or ValueError for arguments that are wrong, ResolveError for a model that leads nowhere,
    and a CallError with every attempt if nobody answered.
    """

    def __init__(self, core: Core, scope: Scope) -> None:
        self._core = core
        self._scope = scope

    async def generate_text(
        self,
        prompt: PromptLike,
        *,
        model: ModelLike | None = None,
        system: str | None = None,
        images: Sequence[MediaLike] | None = (),
        documents: Sequence[MediaLike] | None = (),
        tools: Sequence[ToolLike] | None = (),
        **options: Unpack[LlmOptions],
    ) -> TextResult:
        """Answer a prompt in text, or with calls of the tools, which are returned and never executed."""
        from pipelex_like.engine.calls import answer, ask_llm
        from pipelex_like.engine.plan import Ask, Said, llm_call
        from pipelex_like.engine.results import text_result

        ask = Ask(core=self._core, scope=self._scope, model=model, options=options, kind="llm", slot="for_text")
        said = Said(prompt=prompt, system=system, images=images, documents=documents, tools=tools)
        walk, step, reply, _ = await answer(llm_call(ask, said), ask_llm, lambda _: None)
        return text_result(walk, step, reply)

    def stream_text(
        self,
        prompt: PromptLike,
        *,
        model: ModelLike | None = None,
        system: str | None = None,
        images: Sequence[MediaLike] | None = (),
        documents: Sequence[MediaLike] | None = (),
        tools: Sequence[ToolLike] | None = (),
        **options: Unpack[LlmOptions],
    ) -> Stream[TextStreamEvent, TextResult]:
        """Answer like generate_text, piece by piece; nothing is sent before the first event is asked for."""
        from pipelex_like.engine.plan import Ask, Said, llm_call
        from pipelex_like.engine.streams import Stream, TextShaper, stream_events

        ask = Ask(
            core=self._core, scope=self._scope, model=model, options=options, kind="llm", slot="for_text", streamed=True
        )
        said = Said(prompt=prompt, system=system, images=images, documents=documents, tools=tools)
        return Stream(stream_events(llm_call(ask, said), TextShaper))

    async def generate_object(
        self,
        prompt: PromptLike,
        shape: type[T] | object,
        *,
        model: ModelLike | None = None,
        system: str | None = None,
        images: Sequence[MediaLike] | None = (),
        documents: Sequence[MediaLike] | None = (),
        **options: Unpack[LlmOptions],
    ) -> ObjectResult[T]:
        """Answer with an object of that type: anything that pydantic's TypeAdapter takes, or a JSON Schema (a dict,
        whose answer stays plain values). A model whose answer does not fit is told once what is wrong with it
        (`max_repairs`); after that it is an error, or goes to the next candidate where `actions` says
        `invalid_object = "next"`."""
        from pipelex_like.engine.calls import answer, ask_llm
        from pipelex_like.engine.plan import Ask, Said, llm_call
        from pipelex_like.engine.results import object_result

        wanted = cast("ObjectShape[T]", self._core.shape(shape))
        ask = Ask(core=self._core, scope=self._scope, model=model, options=options, kind="llm", slot="for_object")
        said = Said(prompt=prompt, system=system, images=images, documents=documents)
        call = llm_call(ask, said, wanted.schema)
        walk, step, reply, value = await answer(call, ask_llm, lambda reply: wanted.validate(reply.text))
        return object_result(walk, step, reply, value)

    def stream_object(
        self,
        prompt: PromptLike,
        shape: type[T] | object,
        *,
        model: ModelLike | None = None,
        system: str | None = None,
        images: Sequence[MediaLike] | None = (),
        documents: Sequence[MediaLike] | None = (),
        **options: Unpack[LlmOptions],
    ) -> Stream[ObjectStreamEvent[T], ObjectResult[T]]:
        """Answer like generate_object while the object grows; the last `object` event holds the validated one.

        What does not fit is mended only while no event was handed over; after that the stream ends with an error."""
        from pipelex_like.engine.plan import Ask, Said, llm_call
        from pipelex_like.engine.streams import ObjectShaper, Stream, stream_events

        wanted = cast("ObjectShape[T]", self._core.shape(shape))
        ask = Ask(
            core=self._core,
            scope=self._scope,
            model=model,
            options=options,
            kind="llm",
            slot="for_object",
            streamed=True,
        )
        said = Said(prompt=prompt, system=system, images=images, documents=documents)
        return Stream(stream_events(llm_call(ask, said, wanted.schema), lambda: ObjectShaper(wanted)))

    async def extract(
        self,
        document: MediaLike,
        *,
        model: ModelLike | None = None,
        pages: Sequence[int] = (),
        **options: Unpack[ExtractOptions],
    ) -> ExtractResult:
        """Read a document, all of it or the `pages` with those numbers, counted from 1."""
        from pipelex_like.engine.calls import answer, ask_extract
        from pipelex_like.engine.plan import Ask, extract_call
        from pipelex_like.engine.results import extract_result

        ask = Ask(core=self._core, scope=self._scope, model=model, options=options, kind="extract")
        walk, step, reply, _ = await answer(extract_call(ask, document, pages), ask_extract, lambda _: None)
        return extract_result(walk, step, reply)

    async def generate_images(
        self,
        prompt: str = "",
        *,
        model: ModelLike | None = None,
        n: int = 1,
        images: Sequence[MediaLike] | None = (),
        resume: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> ImagesResult:
        """Draw `n` pictures; `images` are pictures to go by.

        `resume` is the `job_id` of an error of an earlier call to the same model: that job's pictures are waited for
        and fetched, nothing is ordered, and the prompt may be left out."""
        from pipelex_like.engine.calls import answer, ask_images
        from pipelex_like.engine.plan import Ask, image_call
        from pipelex_like.engine.results import images_result

        ask = Ask(core=self._core, scope=self._scope, model=model, options=options, kind="img_gen")
        walk, step, reply, _ = await answer(
            image_call(ask, prompt, n, images, resume=resume), ask_images, lambda _: None
        )
        return images_result(walk, step, reply)
