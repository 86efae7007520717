"""Requests as the real SDKs sent them, compared with what was recorded: `--record` writes the files anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

if TYPE_CHECKING:
    from pipelex_like.sandbox import Sandbox
    from pipelex_like.sandbox.wire import Recorded

FOLDER = Path(__file__).parent / "recorded"
_CREDENTIALS = ("authorization", "api-key", "x-api-key", "x-goog-api-key", "cf-aig-authorization")
_SORTED = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
recording = False
"""Set by the option --record."""


def same_as_recorded(name: str, sandbox: Sandbox, **cases: int) -> None:
    """Compare requests, by their place in the sandbox's list, with recorded/<name>.json."""
    path = FOLDER / f"{name}.json"
    recorded = orjson.loads(path.read_bytes()) if path.exists() else {}
    requests = sandbox.requests
    sent = {case: _sent(requests[at], sandbox) for case, at in cases.items()}
    if recording:
        FOLDER.mkdir(exist_ok=True)
        path.write_bytes(orjson.dumps({**recorded, **sent}, option=_SORTED))
        pytest.fail(f"{path.name} was written: read the difference, and run again without --record")
    assert sent == {case: recorded.get(case) for case in sent}


def _sent(request: Recorded, sandbox: Sandbox) -> object:
    told = sorted(name for name in _CREDENTIALS if name in request.headers)
    fields = {"method": request.method, "path": request.path, "query": dict(request.query), "body": request.body}
    whole = orjson.dumps({**fields, "credentials": told})
    return orjson.loads(whole.replace(sandbox.url.encode(), b"http://sandbox"))
