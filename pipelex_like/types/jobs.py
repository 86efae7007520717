"""What a worker is asked to do: all inputs read, all references resolved, nothing left to decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.types.frozen import EMPTY, FrozenDict

if TYPE_CHECKING:
    from pipelex_like.types.messages import Media, Message, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSchema:
    """The JSON Schema that an answer must keep to. `wrapped` says that the value stands under the key `value`,
    because providers only take objects at the top."""

    name: str
    schema: FrozenDict[str, object]
    wrapped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmJob:
    """A turn of a conversation to be answered, as text or as an object."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    schema: ObjectSchema | None = None
    settings: FrozenDict[str, object] = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractJob:
    """A document to be read. `pages` are numbers from 1, empty for all; settings hold `max_nb_images` (0 = none),
    `image_min_size` (pixels of the smaller side) and `page_images` (render each page)."""

    document: Media
    pages: tuple[int, ...] = ()
    settings: FrozenDict[str, object] = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageJob:
    """Pictures to be drawn: `n` of them from one prompt. `resume` is the provider's id of a job that was begun before:
    nothing is ordered anew, its pictures are waited for and fetched."""

    prompt: str
    n: int = 1
    images: tuple[Media, ...] = ()
    settings: FrozenDict[str, object] = EMPTY
    resume: str | None = None


Job = LlmJob | ExtractJob | ImageJob
