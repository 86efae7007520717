"""The one place where what a provider or its SDK says becomes an error of ours: by status first, then by body."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from pipelex_like.errors import (
    AccessDeniedError,
    BadRequestError,
    CallError,
    CallTimeoutError,
    CapabilityError,
    ContentPolicyError,
    ContextWindowError,
    CredentialsError,
    InvalidResponseError,
    NotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    UnreachableError,
)
from pipelex_like.workers.classes import class_by_words, class_of
from pipelex_like.workers.told import redacted, told
from pipelex_like.workers.waiting import wait_of

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.workers.base import Access


class HttpRefusal(Exception):
    """A status that is no success, as it came: raised where bytes are read, translated where names are known."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status
        self.headers = headers
        self.body = body


class BrokenOffError(Exception):
    """The connection broke when the provider had begun to answer, so that it may charge for the answer."""


class TooLargeError(Exception):
    """An answer or event larger than its limit, or one that is cut off there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Who was called, for messages: names are printed, `secrets` are taken out of whatever the provider says.

    `ways_out` are what this provider's users do about a kind of error, where they do something of their own.
    """

    backend: str
    model_id: str
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    key_shown: str = ""
    key_url: str | None = None
    ways_out: Mapping[type[CallError], str] = field(default_factory=dict[type[CallError], str], repr=False)

    @classmethod
    def of(cls, access: Access, candidate: Candidate) -> Called:
        """Name the candidate of a backend that is reached by `access`."""
        return cls(
            backend=access.backend,
            model_id=candidate.model_id,
            secrets=access.secrets,
            key_shown=access.shown.get("api_key", ""),
            key_url=access.key_url,
        )

    def says(self, text: str, way_out: str = "") -> str:
        """Write a message: who, what, and the way out, without secrets."""
        told_text = redacted(text, self.secrets).strip() or "gave no reason."
        ended = told_text if told_text[-1] in ".!?" else f"{told_text}."
        return f"{self.backend} ({self.model_id}): {ended}{' ' + way_out if way_out else ''}"


def refusal(called: Called, *, status: int, headers: Mapping[str, str], body: bytes) -> CallError:
    """Give the error for a status that is no success."""
    if 300 <= status < 400:
        return _redirect(called, status, headers)
    said = told(body, status, secrets=called.secrets)
    return error_of(called, class_of(status, said), said.message, status=status, headers=headers, body=body)


def error_of(
    called: Called,
    kind: type[CallError],
    message: str,
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes = b"",
) -> CallError:
    """Give the error of a known kind, with its way out and the provider's wish to wait."""
    wait = wait_of(headers, body, status)
    return kind(called.says(message, _way_out(kind, called, wait)), status=status, retry_after=wait)


def error_in_answer(called: Called, error: object, status: int = 200) -> CallError:
    """Give the error for an `error` value that came inside an answer which called itself a success."""
    said = told({"error": error}, secrets=called.secrets)
    inner = said.status
    kind = class_of(inner, said) if inner is not None else class_by_words(said)
    wait = wait_of({}, {"error": error}, inner)
    return kind(called.says(said.message, _way_out(kind, called, wait)), status=inner or status, retry_after=wait)


def unreadable(called: Called, body: bytes, status: int = 200) -> InvalidResponseError:
    """Give the error for an answer that is not the JSON it should be: empty, a page of HTML, or broken off."""
    start = body[:512].lstrip().lower()
    if not start:
        what, way_out = "the answer is empty", ""
    elif start.startswith((b"<!doctype", b"<html", b"<")):
        what = "the answer is a page of HTML, no JSON"
        way_out = "Check `endpoint` of the backend: a web site or a proxy answers there."
    elif start.startswith((b"{", b"[")):
        what, way_out = "the answer is broken JSON, perhaps cut off", ""
    else:
        what, way_out = "the answer is no JSON", ""
    return InvalidResponseError(called.says(what, way_out), status=status)


def unfit(called: Called, what: str, way_out: str = "") -> InvalidResponseError:
    """Give the error for an answer that is JSON, but not of the promised shape."""
    return InvalidResponseError(called.says(what, way_out), status=200)


def _redirect(called: Called, status: int, headers: Mapping[str, str]) -> CallError:
    host = urlsplit(headers.get("location", "")).hostname
    where = f" to {host}" if host else ""
    way_out = "Write the address where the service really is into `endpoint` of the backend."
    text = f"a redirect{where} (status {status}) was refused, since the key would go along"
    return InvalidResponseError(called.says(text, way_out), status=status)


def _way_out(kind: type[CallError], called: Called, wait: float | None) -> str:
    if kind in called.ways_out:
        return called.ways_out[kind]
    if kind is CredentialsError:
        source = f" (it comes from {called.key_shown})" if called.key_shown else ""
        where = f" A key: {called.key_url}" if called.key_url else ""
        return f"Check `api_key` of [{called.backend}] in backends.toml{source}.{where}"
    if kind is NotFoundError:
        known = "`pipelex-like models` lists what is known here."
        return f"Check `model_id` in backends/{called.backend}.toml, and `endpoint` in backends.toml; {known}"
    if kind in (RateLimitError, OverloadedError) and wait is not None:
        return f"It asks to wait {wait:g} s."
    return _WAYS_OUT.get(kind, "")


_WAYS_OUT: Mapping[type[CallError], str] = {
    AccessDeniedError: (
        "Ask the provider for access to this model, from this region and with this key, or take another backend."
    ),
    QuotaError: "Add credit or raise the limit in the provider's console.",
    RateLimitError: "Try again later, or ask the provider for a higher limit.",
    ContextWindowError: "Send less, or choose a model with a larger context window.",
    ContentPolicyError: "Change the prompt or choose another model.",
    OverloadedError: "Try again later.",
}


@contextmanager
def translating(called: Called) -> Generator[None]:
    """Turn whatever goes wrong inside into a CallError that names `called`, with the first error as its cause."""
    try:
        yield
    except CallError:
        raise
    except HttpRefusal as error:
        raise refusal(called, status=error.status, headers=error.headers, body=error.body) from error
    except Exception as error:  # SDKs and HTTP clients raise what they like; nothing foreign may leave a worker
        raise _foreign(called, error) from error


@contextmanager
def opening(called: Called) -> Generator[None]:
    """Turn whatever an SDK says against its settings, before anything is sent, into a CapabilityError."""
    try:
        yield
    except CallError:
        raise
    except Exception as error:  # an address or a proxy of no known form, in the words of whoever found out
        told_text = f"its client cannot be opened: {str(error) or type(error).__name__}"
        raise CapabilityError(called.says(told_text, "Check `endpoint` and `proxy` of the backend.")) from error


_LATE = "no answer within the time allowed"
_SLOW = "Raise `timeout` if it needs longer, or choose a quicker model."
# By the names of classes, since httpx, httpx2 and the SDKs built on them name theirs alike and none is imported here.
_BY_NAME: Mapping[str, tuple[type[CallError], str, str]] = {
    "TooLargeError": (InvalidResponseError, "", "Raise `max_response_bytes` or `max_event_bytes` if that is wanted."),
    "BrokenOffError": (UnreachableError, "the connection broke before the answer was complete", ""),
    "ConnectTimeout": (UnreachableError, "no connection within the time allowed", "Check `endpoint` and the network."),
    "PoolTimeout": (CallTimeoutError, "no free connection within the time allowed", ""),
    "TimeoutException": (CallTimeoutError, _LATE, _SLOW),
    "TimeoutError": (CallTimeoutError, _LATE, _SLOW),
    "APITimeoutError": (CallTimeoutError, _LATE, _SLOW),
    "APIConnectionError": (UnreachableError, "no connection", "Check `endpoint`, the network and `proxy`."),
    "ProxyError": (UnreachableError, "the proxy does not let the request through", "Check `proxy` of the backend."),
    "UnsupportedProtocol": (BadRequestError, "`endpoint` is no address", "It begins with http:// or https://."),
    "InvalidURL": (BadRequestError, "`endpoint` is no address", "It begins with http:// or https://."),
    "LocalProtocolError": (BadRequestError, "a header of the request holds what HTTP does not allow", ""),
    "UnicodeEncodeError": (BadRequestError, "the key or a header holds what HTTP does not allow", ""),
    "DecodingError": (InvalidResponseError, "the answer is compressed and cannot be unpacked", ""),
    "ConnectError": (UnreachableError, "no connection", "Check `endpoint`, the network and `proxy`."),
    "RemoteProtocolError": (UnreachableError, "the connection broke before the answer was complete", ""),
    "TransportError": (UnreachableError, "the connection broke before the answer was complete", ""),
    "OSError": (UnreachableError, "the connection broke before the answer was complete", ""),
}


def _foreign(called: Called, error: Exception) -> CallError:
    inner = error.__cause__ if type(error).__name__ in ("APIConnectionError", "APITimeoutError") else None
    if isinstance(inner, HttpRefusal):  # the anthropic SDK takes whatever its HTTP client raises for a lost connection
        return refusal(called, status=inner.status, headers=inner.headers, body=inner.body)
    root = _unwrapped(inner or error)
    if isinstance(root, UnicodeEncodeError) and _holds_a_secret(root, called):
        what = "the key holds a letter that no key has, perhaps a quotation mark or a dash that was pasted along"
        return CredentialsError(called.says(what, _way_out(CredentialsError, called, None)))
    for cls in type(root).__mro__:
        if cls.__name__ in _BY_NAME:
            kind, text, way_out = _BY_NAME[cls.__name__]
            status = 200 if isinstance(root, BrokenOffError) else None
            return kind(called.says(text or str(root), called.ways_out.get(kind, way_out)), status=status)
    return InvalidResponseError(called.says(f"the call failed with {type(root).__name__}: {root}"))


def _holds_a_secret(error: UnicodeEncodeError, called: Called) -> bool:
    """Say whether what could not be written holds a secret; it does no more then."""
    held = any(secret in error.object for secret in called.secrets)
    if held:
        error.object, error.args = "", ()
    return held


def _unwrapped(error: BaseException) -> BaseException:
    # anyio wraps even a single error of a connection.
    if isinstance(error, BaseExceptionGroup):
        return _unwrapped(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
    return error
