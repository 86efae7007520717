"""Where Bedrock is reached."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.loaders import Loader
from botocore.regions import EndpointResolver

from pipelex_like.errors import CapabilityError

if TYPE_CHECKING:
    from pipelex_like.workers.base import Access

REGION = "us-east-1"
"""The region where none is given."""


def region_of(access: Access) -> str:
    """Give the region that requests are signed for."""
    return access.text("aws_region") or REGION


def base_url(access: Access) -> str:
    """Give the base URL without a trailing slash: the backend's `endpoint`, or the SDK's own for the region.

    Raises CapabilityError for a region that the SDK cannot place.
    """
    given = (access.text("endpoint") or "").strip().rstrip("/")
    if given:
        return given.removesuffix("/model")
    region = region_of(access)
    found = _resolver().construct_endpoint("bedrock-runtime", region)
    if found is None:
        told = f'backend "{access.backend}": AWS has no region "{region}".'
        raise CapabilityError(f'{told} Write one such as "us-east-1" into `aws_region` (AWS_REGION).')
    return f"https://{found['hostname']}"


def address(base: str, model_id: str, method: str) -> str:
    """Give the URL of a method of a model, whose id may be an ARN."""
    return f"{base}/model/{quote(model_id, safe='-_.~')}/{method}"


@cache
def _resolver() -> Any:
    # The package's own data alone: by itself the SDK would also look into AWS_DATA_PATH and ~/.aws/models.
    loader: Any = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    return EndpointResolver(loader.load_data("endpoints"))
