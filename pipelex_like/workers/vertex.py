"""What the makers' own models on Vertex AI have in common: where they are, who may call, what errors mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.errors import AccessDeniedError, CapabilityError, CredentialsError, NotFoundError
from pipelex_like.workers.google.endpoint import bare
from pipelex_like.workers.google.errors import refused
from pipelex_like.workers.translate import Called, HttpRefusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpx2

    from pipelex_like.deck import Candidate
    from pipelex_like.errors import CallError
    from pipelex_like.workers.base import Access, Limits
    from pipelex_like.workers.gcp import Tokens

_GLOBAL = "https://aiplatform.googleapis.com"
_WHOLE_CONTINENTS = ("us", "eu")

_WAYS_OUT: Mapping[type[CallError], str] = {
    CredentialsError: "Check `gcp_credentials_file_path` (or `gcp_access_token`, which is good for an hour only), or "
    "run `gcloud auth application-default login`.",
    AccessDeniedError: "Turn the Vertex AI API on in the project, give the account the role Vertex AI User "
    "(`roles/aiplatform.user`), and accept the model's terms in Model Garden.",
    NotFoundError: "Check `model_id` and `gcp_location`: each model is served at some locations only, and is to be "
    "enabled for the project in Model Garden (https://console.cloud.google.com/vertex-ai/model-garden).",
}


def place(access: Access) -> tuple[str, str]:
    """Give the project and the location. Raises CapabilityError where one is not set."""
    project, location = access.text("gcp_project_id"), access.text("gcp_location")
    if not project or not location:
        raise CapabilityError(
            f'backend "{access.backend}": Vertex AI wants a project and a location; write `gcp_project_id` '
            "(GCP_PROJECT_ID or VERTEXAI_PROJECT) and `gcp_location` (GCP_LOCATION or VERTEXAI_LOCATION)."
        )
    return project, location


def base_url(access: Access) -> str:
    """Give the address without version: that of the location, unless the backend has an `endpoint`.

    The hosts: https://cloud.google.com/vertex-ai/docs/general/googleapi-access-methods
    """
    given = bare(access.text("endpoint"))
    if given:
        return given
    _, location = place(access)
    if location == "global":
        return _GLOBAL
    if location in _WHOLE_CONTINENTS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def called_of(access: Access, candidate: Candidate) -> Called:
    """Name the candidate, with what users of Vertex AI do about errors."""
    return Called(backend=access.backend, model_id=candidate.model_id, secrets=access.secrets, ways_out=_WAYS_OUT)


async def authorized(
    tokens: Tokens, limits: Limits, called: Called, send: Callable[[str], Awaitable[httpx2.Response]]
) -> httpx2.Response:
    """Send with an access token, and raise the error that a refusal means; a token that was refused is forgotten."""
    token = await tokens.bearer(limits)
    try:
        return await send(token)
    except HttpRefusal as error:
        if error.status == 401:
            tokens.drop()
        raise refused(called, error) from error
