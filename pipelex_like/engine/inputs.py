"""A prompt in any of the forms that callers write, as checked messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from pipelex_like.engine.dialect import message_of
from pipelex_like.engine.media import UNKNOWN, MediaLike, read_media
from pipelex_like.types import DocumentPart, ImagePart, Message, Part, TextPart, is_list

PromptLike = str | Message | Sequence[Message | Mapping[str, object]]


def conversation(
    prompt: PromptLike, *, system: str | None, images: Sequence[MediaLike] | None, documents: Sequence[MediaLike] | None
) -> tuple[Message, ...]:
    """Give the messages of a call; `images` and `documents` join the last user message, after its own parts.

    Raises TypeError or ValueError, naming the place, for what is no message or file.
    """
    messages = _messages(prompt)
    files = [*_parts(images, "images"), *_parts(documents, "documents")]
    if files:
        messages = _joined(messages, files)
    if system is not None:
        messages = [Message("system", (TextPart(_text(system, "system")),)), *messages]
    if not any(message.parts for message in messages):
        raise ValueError("the prompt is empty")
    return tuple(messages)


def _messages(prompt: object) -> list[Message]:
    match prompt:
        case str():
            return [Message("user", (TextPart(prompt),))] if prompt.strip() else [Message("user", ())]
        case Message():
            return [prompt]
        case list() | tuple():
            items = cast("list[object] | tuple[object, ...]", prompt)
            return [message_of(item, f"prompt[{place}]") for place, item in enumerate(items)]
        case _:
            name = type(prompt).__name__
            raise TypeError(f"prompt: expected a text, a Message, or a list of messages, got {name}")


def _parts(files: object, name: str) -> list[Part]:
    if files is None:
        return []
    if not is_list(files):
        raise TypeError(f"{name}: expected a list of files, got {type(files).__name__}; write {name}=[...]")
    return [_part(file, f"{name}[{place}]", picture=name == "images") for place, file in enumerate(files)]


def _part(file: object, where: str, *, picture: bool) -> Part:
    try:
        media = read_media(file)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{where}: {error}") from None
    if media.mime.startswith("image/"):
        return ImagePart(media)
    if not picture:
        return DocumentPart(media)
    if media.url is not None and media.mime == UNKNOWN:
        return ImagePart(replace(media, mime="image/*"))
    raise ValueError(f"{where}: {media.name or 'the file'} is {media.mime}, no picture; pass it in documents=[...]")


def _joined(messages: list[Message], files: list[Part]) -> list[Message]:
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message.role == "user":
            return [*messages[:place], Message("user", (*message.parts, *files)), *messages[place + 1 :]]
    raise ValueError("images and documents join the last user message, and the prompt has none")


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a text, got {type(value).__name__}")
    return value
