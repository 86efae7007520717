"""What a worker's SDK asks of a backend's table, told without importing the SDK."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pipelex_like.types import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkKey:
    """A key of `[backend]` that an SDK understands.

    `template` stands in where the table lacks the key (`${AWS_REGION|AWS_REGION_NAME:-us-east-1}`); `secret` keys
    are credentials and never printed; `public` keys are printed as filled in; `path` keys name a file, and a relative
    one starts at the project root.
    """

    name: str
    scalar: Literal["str", "int", "float", "bool"] = "str"
    template: str | None = None
    secret: bool = False
    public: bool = False
    path: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkSettings:
    """An SDK by the name that spec files use.

    `required` lists sets of keys, each of which suffices to call (`(("api_key",),)`; Bedrock: bearer token, or key
    pair, or profile); empty = nothing is required. `names` are further spellings that older files use. `module` is
    what must be importable, `extra` the extra of pipelex-like that brings it. `sends_requests` is False for SDKs
    that work inside the process (pypdfium2): a mirror leaves them out. `simulated` are the keys that the SDK needs
    besides `endpoint` and `api_key` where the sandbox stands in for its provider; `{key}` in a value is the sandbox's
    own key. `kinds` = the kinds it has a worker for; empty: it has none yet. `has_jobs` says that its provider keeps
    pictures as jobs with an id, which its worker takes up again.
    """

    sdk: str
    keys: tuple[SdkKey, ...] = ()
    required: tuple[tuple[str, ...], ...] = ()
    names: tuple[str, ...] = ()
    module: str | None = None
    extra: str | None = None
    sends_requests: bool = True
    simulated: tuple[tuple[str, str], ...] = ()
    kinds: tuple[Kind, ...] = field(default=())
    has_jobs: bool = False
