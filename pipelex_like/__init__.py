"""A TOML-configured inference routing framework: name a task, never a vendor.

Every name below is imported when it is first used (PEP 562), so that `import pipelex_like` costs next to nothing.
"""

from __future__ import annotations

# What typing.TYPE_CHECKING means to type checkers; importing typing would cost more than all the rest.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from pipelex_like.deck import Backend, Candidate, ModelDeck, ModelSpec, Preset, Profile, Route
    from pipelex_like.engine import Inference, Runtime, Transport, View
    from pipelex_like.engine.inputs import PromptLike
    from pipelex_like.engine.media import MediaLike
    from pipelex_like.engine.options import ExtractOptions, ImageOptions, LlmOptions
    from pipelex_like.engine.streams import Stream
    from pipelex_like.engine.sync import SyncStream
    from pipelex_like.engine.tools import ToolLike
    from pipelex_like.errors import (
        AccessDeniedError,
        AllCandidatesFailedError,
        BadRequestError,
        BudgetError,
        CallError,
        CallTimeoutError,
        CapabilityError,
        ConfigError,
        ContentPolicyError,
        ContextWindowError,
        CredentialsError,
        HandleNotFoundError,
        InvalidResponseError,
        LLMHandleNotFoundError,
        LLMPresetNotFoundError,
        ModelDeckNotFoundError,
        ModelsManagerError,
        NotFoundError,
        OverloadedError,
        PipelexLikeError,
        Problem,
        QuotaError,
        RateLimitError,
        ResolveError,
        ServerError,
        StreamInterruptedError,
        UnreachableError,
    )
    from pipelex_like.types import (
        Attempt,
        DocumentPart,
        DoneEvent,
        ExtractResult,
        Failure,
        FinishReason,
        Image,
        ImagePart,
        ImagesResult,
        Kind,
        Media,
        Message,
        ObjectEvent,
        ObjectResult,
        ObjectStreamEvent,
        OpaquePart,
        Outcome,
        Page,
        Part,
        ReasoningEvent,
        ReasoningPart,
        Result,
        Role,
        ServedBy,
        TextEvent,
        TextPart,
        TextResult,
        TextStreamEvent,
        Tool,
        ToolCall,
        ToolCallEvent,
        ToolCallPart,
        ToolResultPart,
        Usage,
    )

__all__ = [
    "AccessDeniedError",
    "AllCandidatesFailedError",
    "Attempt",
    "Backend",
    "BadRequestError",
    "BudgetError",
    "CallError",
    "CallTimeoutError",
    "Candidate",
    "CapabilityError",
    "ConfigError",
    "ContentPolicyError",
    "ContextWindowError",
    "CredentialsError",
    "DocumentPart",
    "DoneEvent",
    "ExtractOptions",
    "ExtractResult",
    "Failure",
    "FinishReason",
    "HandleNotFoundError",
    "Image",
    "ImageOptions",
    "ImagePart",
    "ImagesResult",
    "Inference",
    "InvalidResponseError",
    "Kind",
    "LLMHandleNotFoundError",
    "LLMPresetNotFoundError",
    "LlmOptions",
    "Media",
    "MediaLike",
    "Message",
    "ModelDeck",
    "ModelDeckNotFoundError",
    "ModelSpec",
    "ModelsManagerError",
    "NotFoundError",
    "ObjectEvent",
    "ObjectResult",
    "ObjectStreamEvent",
    "OpaquePart",
    "Outcome",
    "OverloadedError",
    "Page",
    "Part",
    "PipelexLikeError",
    "Preset",
    "Problem",
    "Profile",
    "PromptLike",
    "QuotaError",
    "RateLimitError",
    "ReasoningEvent",
    "ReasoningPart",
    "ResolveError",
    "Result",
    "Role",
    "Route",
    "Runtime",
    "ServedBy",
    "ServerError",
    "Stream",
    "StreamInterruptedError",
    "SyncStream",
    "TextEvent",
    "TextPart",
    "TextResult",
    "TextStreamEvent",
    "Tool",
    "ToolCall",
    "ToolCallEvent",
    "ToolCallPart",
    "ToolLike",
    "ToolResultPart",
    "Transport",
    "UnreachableError",
    "Usage",
    "View",
]

_HOMES = (
    "pipelex_like.errors",
    "pipelex_like.types",
    "pipelex_like.deck",
    "pipelex_like.engine",
    "pipelex_like.engine.options",
    "pipelex_like.engine.inputs",
    "pipelex_like.engine.media",
    "pipelex_like.engine.tools",
    "pipelex_like.engine.sync",
    "pipelex_like.engine.streams",
)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f'module "pipelex_like" has no "{name}"')
    from importlib import import_module

    return next(vars(home)[name] for home in map(import_module, _HOMES) if name in vars(home))


def __dir__() -> list[str]:
    return [*globals(), *__all__]
