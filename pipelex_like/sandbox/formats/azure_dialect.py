"""Azure's errors and keys.

What its gateway says by itself has a code and a message only; what the model's own service says has OpenAI's form:
https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter and .../how-to/quota
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats.base import Dialect
from pipelex_like.sandbox.formats.openai_dialect import OPENAI, OPENAI_RESPONSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.base import Refusal

_GATEWAY = {401: "401", 403: "403", 404: "DeploymentNotFound", 408: "Timeout", 429: "429", 503: "503"}
NO_SUCH_PLACE = "404"
"""The code of an address that is not known at all, as one without its API version is."""


def _credential(headers: Mapping[str, str]) -> str | None:
    return headers.get("api-key")


def _catalogue_credential(headers: Mapping[str, str]) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return headers.get("api-key") or (key.strip() if scheme.lower() == "bearer" else None)


def _error(refusal: Refusal) -> bytes:
    code = _GATEWAY.get(refusal.status)
    if code is not None and refusal.code != "insufficient_quota":
        own = refusal.code == NO_SUCH_PLACE
        return orjson.dumps({"error": {"code": NO_SUCH_PLACE if own else code, "message": refusal.message}})
    fields: dict[str, object] = {
        "message": refusal.message,
        "type": refusal.kind,
        "param": refusal.param,
        "code": refusal.code,
    }
    if refusal.code == "content_filter":
        fields |= {"status": refusal.status, "innererror": {"code": "ResponsibleAIPolicyViolation"}}
    return orjson.dumps({"error": fields})


AZURE = Dialect(credential=_credential, error=_error, stream_error=OPENAI.stream_error)
AZURE_RESPONSES = Dialect(credential=_credential, error=_error, stream_error=OPENAI_RESPONSES.stream_error)
AZURE_CATALOGUE = Dialect(credential=_catalogue_credential, error=_error, stream_error=OPENAI.stream_error)
