"""What users of Azure do about an error. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.errors import CredentialsError, NotFoundError, UnreachableError
from pipelex_like.workers.translate import Called

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.errors import CallError
    from pipelex_like.workers.azure_openai.endpoint import Endpoint, Place
    from pipelex_like.workers.base import Access

_OTHER_KIND = {
    False: " Its host serves the model catalogue: call its models as azure_ai/<model>.",
    True: " Its host serves deployments of Azure OpenAI: call them as azure/<deployment>.",
}


def called_at(access: Access, candidate: Candidate, endpoint: Endpoint, place: Place, *, catalogue: bool) -> Called:
    """Name who is called, with the ways out that Azure has."""
    backend = access.backend
    other = endpoint.kind == ("deployments" if catalogue else "catalogue")
    wrong_host = _OTHER_KIND[catalogue] if other else ""
    key = f" (it comes from {access.shown['api_key']})" if access.shown.get("api_key") else ""
    host = f" ({access.shown['endpoint']})" if access.shown.get("endpoint") else ""
    what = (
        f"Name a model that is deployed there, as azure_ai/<model> or by `model_id` in backends/{backend}.toml"
        if catalogue
        else f"Name a deployment of this resource, as azure/<deployment> or by `model_id` in backends/{backend}.toml"
    )
    version = f" and `api_version` ({place.version})" if place.dated else ""
    ways_out: dict[type[CallError], str] = {
        NotFoundError: f"{what}, and check `endpoint`{host}{version}.{wrong_host}",
        UnreachableError: f"Check `endpoint`{host} of [{backend}] in backends.toml, and the network.{wrong_host}",
        CredentialsError: f"Check `api_key` of [{backend}] in backends.toml{key}: it must belong to `endpoint`{host}.",
    }
    return replace(Called.of(access, candidate), ways_out=ways_out)
