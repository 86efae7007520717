"""The cheapest questions to clouds, whose requests are signed or carry a token that has to be fetched first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from pipelex_like.setup.doctor.line import Found, names_in
from pipelex_like.workers.base import Limits

if TYPE_CHECKING:
    from pipelex_like.setup.doctor.line import Line

_COUNTED = orjson.dumps({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]})


async def ask_bedrock(line: Line) -> Found:
    """List the models of the region, which is free.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html
    """
    from pipelex_like.workers.bedrock.credentials import way_in
    from pipelex_like.workers.bedrock.endpoint import base_url

    calls = base_url(line.access)
    # For its refusals: nothing to sign with, or a token that would go out unencrypted.
    way_in(line.access, calls)
    url = f"{calls.replace('//bedrock-runtime.', '//bedrock.', 1)}/foundation-models"
    answer = await line.get(url, await _authorized(line, url))
    return Found(key="accepted", ids=frozenset(names_in(line, answer, "modelSummaries", "modelId")))


async def _authorized(line: Line, url: str) -> dict[str, str]:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import ReadOnlyCredentials

    from pipelex_like.workers.bedrock.endpoint import region_of
    from pipelex_like.workers.bedrock.profile import Profile

    access = line.access
    token = access.text("aws_bearer_token")
    if token:
        return {"Authorization": f"Bearer {token}"}
    region = region_of(access)
    key, secret = access.text("aws_access_key_id"), access.text("aws_secret_access_key")
    if key and secret:
        keys = ReadOnlyCredentials(key, secret, access.text("aws_session_token") or None)
    else:
        keys = await Profile(access.text("aws_profile") or "", access, region).keys()
    request = AWSRequest(method="GET", url=url)
    auth: Any = SigV4Auth(keys, "bedrock", region)
    auth.add_auth(request)
    return dict(request.headers.items())


async def ask_vertex(line: Line) -> Found:
    """Get an access token, and with it count the tokens of a word, which is free.

    https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/count-tokens
    """
    from pipelex_like.workers.gcp import Tokens
    from pipelex_like.workers.vertex import base_url, place

    project, location = place(line.access)
    token = await Tokens(line.access).bearer(Limits())
    line.called = replace(line.called, secrets=line.called.secrets | {token})
    model = next(iter(line.models), None) if line.access.sdk == "vertex_google" else None
    if model is None:
        return Found(key="accepted", note="the account gives an access token; nothing more can be asked for nothing")
    where = f"projects/{quote(project, safe='')}/locations/{quote(location, safe='')}"
    url = f"{base_url(line.access)}/v1beta1/{where}/publishers/google/models/{quote(model, safe='-._~')}:countTokens"
    await line.ask("POST", url, {"Authorization": f"Bearer {token}"}, content=_COUNTED)
    return Found(key="accepted", note=f"the tokens of a word were counted for {model}; Vertex AI lists no models")
