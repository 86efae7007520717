"""Every error that this package raises on purpose.

    PipelexLikeError
    ├── ModelsManagerError              loading or resolving went wrong
    │   ├── ConfigError                 .problems: all of them, in one go
    │   │   └── ModelDeckNotFoundError
    │   └── ResolveError                a reference that leads nowhere here
    │       └── HandleNotFoundError     .kind, .suggestions
    │           ├── LLMHandleNotFoundError
    │           └── LLMPresetNotFoundError
    └── CallError                       .attempts, .status, .retryable, .retry_after, .job_id
        ├── CredentialsError            no key, or a key the provider does not accept
        ├── AccessDeniedError           the key is good, the permission is missing
        ├── QuotaError                  the account's credit or quota is used up
        ├── RateLimitError              too many requests for now
        ├── ContextWindowError          the request is longer than the model takes
        ├── ContentPolicyError          refused for its content
        ├── BadRequestError             the provider calls the request wrong
        ├── NotFoundError               no such model or address there
        ├── CallTimeoutError            no answer within the time given
        ├── UnreachableError            no connection
        ├── ServerError                 the provider failed
        ├── OverloadedError             the provider is full for now
        ├── InvalidResponseError        an answer that cannot be read
        ├── StreamInterruptedError      .partial: what had arrived
        ├── CapabilityError             the model or worker cannot do this
        ├── BudgetError                 the call would pass a limit on spending
        └── AllCandidatesFailedError    several candidates, each with its attempt

Facts are in fields; every error survives pickle and deepcopy, without its cause.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelex_like.types import Attempt, Kind

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in the configuration: where, what, and the way out.

    `key` is the dotted TOML path (`profiles.prod.routes."gpt-*"`), `path` the same in parts; `line` counts
    from 1 and is None where no line can be named (a file that is missing).
    """

    severity: Severity
    code: str
    file: str
    message: str
    key: str = ""
    hint: str = ""
    line: int | None = None
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f" {self.key}:" if self.key else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"{place}:{key} {self.message}{hint}"

    def at(self, line: int | None) -> Self:
        """Give the same problem with its line."""
        return replace(self, line=line)

    def to_dict(self) -> dict[str, str | int | None]:
        """Give the shape that `validate --json` promises."""
        return {
            "severity": self.severity,
            "code": self.code,
            "file": self.file,
            "line": self.line,
            "key": self.key,
            "message": self.message,
            "hint": self.hint,
        }


def nearest(name: str, known: Iterable[str], *, count: int = 3) -> tuple[str, ...]:
    """Give up to `count` of the known names that look most like `name`, the nearest first."""
    by_folded: dict[str, str] = {}
    for candidate in known:
        by_folded.setdefault(candidate.lower(), candidate)
    matches = get_close_matches(name.lower(), by_folded, n=count, cutoff=0.6)
    return tuple(by_folded[match] for match in matches)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give `Did you mean "x"?` for the nearest known name, or an empty string."""
    found = nearest(name, known, count=1)
    return f'Did you mean "{found[0]}"?' if found else ""


def sorted_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort by file and line, errors before warnings on the same line, and drop repeats."""
    rank = {"error": 0, "warning": 1, "note": 2}
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda p: (p.file, p.line or 0, rank[p.severity], p.key, p.message)))


def _rebuild(kind: type[PipelexLikeError], message: str, facts: dict[str, object]) -> PipelexLikeError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(facts)
    return error


class PipelexLikeError(Exception):
    """The base of every error of this package."""

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), str(self), dict(self.__dict__))


class ModelsManagerError(PipelexLikeError):
    """Loading the configuration or resolving a reference went wrong."""


class ConfigError(ModelsManagerError):
    """The configuration has errors; `problems` holds all of them, warnings too, sorted by file and line."""

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted_problems(problems)
        errors = [problem for problem in self.problems if problem.severity == "error"]
        lines = "\n".join(f"  {problem}" for problem in errors)
        count = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
        super().__init__(f"the configuration has {count}:\n{lines}")


class ModelDeckNotFoundError(ConfigError):
    """The directory has no deck file, neither of its own nor inherited."""


class ResolveError(ModelsManagerError):
    """A reference that is known but leads to no model here: served by nobody, ambiguous, or ruled out."""

    reference: str

    def __init__(self, message: str, *, reference: str) -> None:
        super().__init__(message)
        self.reference = reference


class HandleNotFoundError(ResolveError):
    """A name that nothing in the configuration knows; `suggestions` are the nearest that it does."""

    kind: Kind | None
    suggestions: tuple[str, ...]

    def __init__(
        self, message: str, *, reference: str, kind: Kind | None = None, suggestions: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, reference=reference)
        self.kind = kind
        self.suggestions = suggestions


class LLMHandleNotFoundError(HandleNotFoundError):
    """An unknown name, asked for as a language model or without saying the kind."""


class LLMPresetNotFoundError(HandleNotFoundError):
    """An unknown `preset:name`, asked for as a language model or without saying the kind."""


class CallError(PipelexLikeError):
    """A call failed. `attempts` lists every try in order; the last one is the one that this error tells of.

    `status` is the HTTP status where there was one, `retry_after` the provider's wish in seconds, `retryable`
    whether the same request may succeed later. `job_id` names a job that the provider still works at, or whose result
    was not fetched: `generate_images(..., resume=job_id)` takes it up again without paying twice.
    """

    retryable_by_default = False
    attempts: tuple[Attempt, ...]
    status: int | None
    retryable: bool
    retry_after: float | None
    job_id: str | None

    def __init__(
        self,
        message: str,
        *,
        attempts: tuple[Attempt, ...] = (),
        status: int | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
        job_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.status = status
        self.retryable = self.retryable_by_default if retryable is None else retryable
        self.retry_after = retry_after
        self.job_id = job_id


class CredentialsError(CallError):
    """No key is set, or the provider does not accept the one that is."""


class AccessDeniedError(CallError):
    """The key is good, but it may not use this model or feature."""


class QuotaError(CallError):
    """The account's credit or quota is used up."""


class RateLimitError(CallError):
    """Too many requests for now; `retry_after` says how long to wait, where the provider told."""

    retryable_by_default = True


class ContextWindowError(CallError):
    """The request is longer than the model takes."""


class ContentPolicyError(CallError):
    """The provider refused the request or the answer for its content."""


class BadRequestError(CallError):
    """The provider calls the request wrong."""


class NotFoundError(CallError):
    """The provider knows no such model or address."""


class CallTimeoutError(CallError):
    """No answer came within the time given. `uncharged`: the provider is known to have done no work for it."""

    retryable_by_default = True
    uncharged = False


class UnreachableError(CallError):
    """No connection to the provider could be made, or it broke before an answer came."""

    retryable_by_default = True


class ServerError(CallError):
    """The provider failed on its side."""

    retryable_by_default = True


class OverloadedError(CallError):
    """The provider has no room for now."""

    retryable_by_default = True


class InvalidResponseError(CallError):
    """The answer cannot be read, or does not fit what was asked for."""


class StreamInterruptedError(CallError):
    """A stream broke after its first event; `partial` is the result as far as it had arrived."""

    partial: object

    def __init__(
        self,
        message: str,
        *,
        partial: object = None,
        attempts: tuple[Attempt, ...] = (),
        status: int | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, attempts=attempts, status=status, retryable=retryable, retry_after=retry_after)
        self.partial = partial


class CapabilityError(CallError):
    """The model or its worker cannot do what was asked; nothing was sent."""


class BudgetError(CallError):
    """The call would pass a limit on spending; nothing more was sent."""


class AllCandidatesFailedError(CallError):
    """Several candidates were tried or skipped, and none answered."""
