"""From a request to a reply: record, route, key, JSON, fault, format. No I/O."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

import orjson

from pipelex_like.sandbox.accounts import Accounts
from pipelex_like.sandbox.faults import NO_FAULT, fault_of_header, fault_of_model
from pipelex_like.sandbox.formats import OPENAI, ROUTES
from pipelex_like.sandbox.formats.base import Call, Refusal
from pipelex_like.sandbox.jobs import Jobs
from pipelex_like.sandbox.multipart import is_multipart, read_multipart
from pipelex_like.sandbox.prompts import Prompts
from pipelex_like.sandbox.spoiling import instead, spoilt
from pipelex_like.sandbox.wire import Recorded
from pipelex_like.types import FrozenDict, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.faults import Fault, FaultTable
    from pipelex_like.sandbox.formats.base import Dialect, Route
    from pipelex_like.sandbox.wire import Reply, Request

KEPT = 1000
_KEPT_BYTES = 64 * 1024 * 1024
_SECRET_HEADERS = ("authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie", "x-amz-security-token")
_SECRET_QUERY = ("key", "api_key", "X-Amz-Signature")
_SECRET_FIELDS = ("refresh_token", "client_secret", "subject_token")
_REDACTED = "[redacted]"


class Application:
    """Answers requests; counts them, remembers the last thousand (64 MiB of bodies at most)."""

    def __init__(self, api_key: str, faults: FaultTable, *, tls: bool = False) -> None:
        self._scheme = "https" if tls else "http"
        self._jobs = Jobs()
        self._prompts = Prompts()
        self.accounts = Accounts(api_key)
        self.faults = faults
        self._lock = threading.Lock()
        self._kept: deque[tuple[int, Recorded]] = deque(maxlen=KEPT)
        self._kept_bytes = 0
        self._number = 0
        self._met: dict[str, int] = {}

    def recorded(self) -> tuple[Recorded, ...]:
        """Give the requests that are remembered, the oldest first."""
        with self._lock:
            return tuple(record for _, record in self._kept)

    def reset(self) -> None:
        """Forget all requests and begin to count anew, faults too."""
        with self._lock:
            self._kept.clear()
            self._kept_bytes = self._number = 0
            self._met.clear()
            self._prompts.clear()

    def answer(self, request: Request) -> tuple[Reply, Fault]:
        """Give the reply, and the fault that is to be followed while it is sent."""
        path, _, query = request.target.partition("?")
        path = unquote(path.split("#", 1)[0])
        body = _parsed(request.body)
        number = self._record(request, path, query, _hidden(_form(request)) if _is_form(request) else body)
        dialect = OPENAI
        try:
            route, parts = _route(request.method, path, request.headers)
            dialect = route.dialect
            if not route.open:
                self._admit(dialect, _with_key(request.headers, query))
            fields = _read(route, request, body)
            fault = self._due(request.headers, str(parts.get("model") or fields.get("model") or ""), path)
            reply = instead(fault, dialect)
            if reply is None:
                asked = dict(parse_qsl(query, keep_blank_values=True))
                origin = f"{self._scheme}://{request.headers.get('host', '')}"
                reply = route.answer(
                    Call(
                        number=number,
                        body=fields,
                        parts=parts,
                        headers=request.headers,
                        fault=fault,
                        query=asked,
                        jobs=self._jobs,
                        prompts=self._prompts,
                        accounts=self.accounts,
                        origin=origin,
                    )
                )
        except Refusal as refusal:
            return dialect.refuse(refusal), NO_FAULT
        return (reply, fault) if fault is NO_FAULT else (spoilt(reply, fault, dialect), fault)

    def _admit(self, dialect: Dialect, headers: Mapping[str, str]) -> None:
        key = dialect.credential(headers)
        if not key:
            raise Refusal(
                "No API key was sent. Send it in the header 'Authorization: Bearer KEY'.",
                status=401,
                kind="invalid_request_error",
            )
        if not self.accounts.admits(key):
            raise Refusal("The API key is not correct.", status=401, code="invalid_api_key")

    def _record(self, request: Request, path: str, query: str, body: object) -> int:
        headers = {name: _REDACTED if name in _SECRET_HEADERS else value for name, value in request.headers.items()}
        asked = {
            name: _REDACTED if name in _SECRET_QUERY else value
            for name, value in parse_qsl(query, keep_blank_values=True)
        }
        size = len(request.body)
        with self._lock:
            self._number += 1
            record = Recorded(
                number=self._number,
                method=request.method,
                path=path,
                query=FrozenDict(asked),
                headers=FrozenDict(headers),
                body=body if size else None,
            )
            if len(self._kept) == KEPT:
                self._kept_bytes -= self._kept.popleft()[0]
            self._kept.append((size, record))
            self._kept_bytes += size
            while self._kept_bytes > _KEPT_BYTES and len(self._kept) > 1:
                self._kept_bytes -= self._kept.popleft()[0]
            return self._number

    def _due(self, headers: Mapping[str, str], model: str, path: str) -> Fault:
        """Give the first fault that acts on this request: of the header, of the model's name, of the file."""
        try:
            if (text := headers.get("x-sandbox-fault")) and self._acts(
                fault := fault_of_header(text), f"header {text} {model}"
            ):
                return fault
            if (named := fault_of_model(model)) and self._acts(named, f"model {model}"):
                return named
        except ValueError as error:
            raise Refusal(str(error), code="unknown_fault") from None
        for at, rule in enumerate(self.faults.rules):
            if rule.meets(model, path) and self._acts(rule.fault, f"rule {at} {model}"):
                return rule.fault
        return NO_FAULT

    def _acts(self, fault: Fault, key: str) -> bool:
        if fault.times is None and not fault.skip:
            return True
        with self._lock:
            met = self._met[key] = self._met.get(key, 0) + 1
        return met > fault.skip and (fault.times is None or met <= fault.skip + fault.times)


def _with_key(headers: Mapping[str, str], query: str) -> Mapping[str, str]:
    """Take the key that Google takes in the address too for that of its header."""
    key = dict(parse_qsl(query)).get("key")
    return headers if key is None else {"x-goog-api-key": key, **headers}


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body


def _read(route: Route, request: Request, body: object) -> dict[str, object]:
    kind = request.headers.get("content-type", "")
    if route.files and is_multipart(kind):
        return read_multipart(kind, request.body)
    return _form(request) if route.form else _fields(request.method, body)


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip() == "application/x-www-form-urlencoded"


def _form(request: Request) -> dict[str, object]:
    if not _is_form(request):
        raise Refusal("The request's body must be a form (application/x-www-form-urlencoded).", code="invalid_request")
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _hidden(form: Mapping[str, object]) -> dict[str, object]:
    """Give a form as it may be kept: without passwords, and of a signed statement what it says."""
    out = {name: _REDACTED if name in _SECRET_FIELDS else value for name, value in form.items()}
    if isinstance(signed := out.get("assertion"), str):
        out["assertion"] = f"{signed.rpartition('.')[0]}.{_REDACTED}"
    return out


def _fields(method: str, body: object) -> dict[str, object]:
    if is_table(body):
        return body
    if method in ("GET", "HEAD", "PUT") and body == b"":
        return {}
    if isinstance(body, bytes):
        raise Refusal("The request's body is no valid JSON.", code="invalid_json")
    raise Refusal("The request's body must be a JSON object.", code="invalid_json")


def _route(method: str, path: str, headers: Mapping[str, str]) -> tuple[Route, dict[str, str]]:
    agent, credential = headers.get("user-agent", ""), headers.get("authorization", "").lower()
    wanted = "GET" if method == "HEAD" else method
    known = False
    for route in ROUTES:
        if not agent.startswith(route.agent) or not credential.startswith(route.scheme):
            continue
        if route.header and route.header not in headers:
            continue
        if match := route.path.fullmatch(path):
            if route.method == wanted:
                return route, match.groupdict()
            known = True
    if known:
        raise Refusal(f"{method} is not allowed at {path}.", status=405, code="method_not_supported")
    raise Refusal(f"There is nothing at {method} {path}.", status=404, code="unknown_url")
