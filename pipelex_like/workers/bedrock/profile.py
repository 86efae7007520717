"""Keys of a profile in ~/.aws: kept there, or fetched by the SDK as the profile says (a role, SSO, a program).

The files are `~/.aws/config` and `~/.aws/credentials` in the home directory, whatever the environment says.
https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.configprovider import (
    BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES,  # pyright: ignore[reportUnknownVariableType]
)
from botocore.credentials import (
    ReadOnlyCredentials,
    create_credential_resolver,  # pyright: ignore[reportUnknownVariableType]
)
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.session import Session

from pipelex_like.errors import CredentialsError, UnreachableError
from pipelex_like.workers.told import redacted

if TYPE_CHECKING:
    from pipelex_like.workers.base import Access

# What is not of the profile: the environment, and the metadata services of machines in the cloud.
_ELSEWHERE = ("env", "ec2-credentials-file", "boto-config", "container-role", "iam-role")


class Profile:
    """The keys of one profile, for one event loop.

    Fetching them blocks, and nothing can stop it: it is done in one thread of its own, never in two. Whoever gives up
    waiting leaves the thread to finish, and whoever comes next waits for the same one.
    """

    def __init__(self, name: str, access: Access, region: str) -> None:
        self._name = name
        self._access = access
        self._region = region
        self._found: Any = None
        self._fetching: Future[ReadOnlyCredentials] | None = None

    async def keys(self) -> ReadOnlyCredentials:
        """Give keys that are good now. Raises CredentialsError, or UnreachableError where they are fetched from."""
        fetching = self._fetching
        if fetching is None or fetching.done():
            if self._is_fresh():
                return self._found.get_frozen_credentials()
            fetching = self._fetching = Future()
            fetching.set_running_or_notify_cancel()
            name = f"pipelex-like-aws-{self._name}"
            threading.Thread(target=self._fetch, args=(fetching,), name=name, daemon=True).start()
        return await asyncio.wrap_future(fetching)

    def _is_fresh(self) -> bool:
        # Keys that stand in a file have no such method: they do not end.
        ends = getattr(self._found, "refresh_needed", None)
        return self._found is not None and (ends is None or not ends())

    def _fetch(self, fetching: Future[ReadOnlyCredentials]) -> None:
        try:
            if self._found is None:
                self._found = self._load()
            fetching.set_result(self._found.get_frozen_credentials())
        except (HTTPClientError, NoConnectionError) as error:
            fetching.set_exception(UnreachableError(self._says(f"its keys cannot be fetched: {error}")))
        except (BotoCoreError, ClientError, OSError, ValueError) as error:
            fetching.set_exception(CredentialsError(self._says(f"it gives no keys: {error}")))
        finally:
            if not fetching.done():  # whatever ended the thread, those who wait must not wait on
                fetching.set_exception(CredentialsError(self._says("the SDK failed to read it")))

    def _load(self) -> object:
        # An explicit profile, so that the SDK looks for no keys in the environment.
        session: Any = Session(session_vars=_without_environment(), profile=self._name)
        session.set_config_variable("region", self._region)
        # Said outright, since the SDK would next ask REQUESTS_CA_BUNDLE.
        session.set_config_variable("ca_bundle", self._access.ca_file or True)
        session.set_default_client_config(self._config())
        resolver: Any = create_credential_resolver(session, region_name=self._region)
        for name in _ELSEWHERE:
            resolver.remove(name)
        session.register_component("credential_provider", resolver)
        found = session.get_credentials()
        if found is None:
            raise ValueError("the files hold no keys for it")
        return found

    def _config(self) -> Config:
        proxy = self._access.proxy
        return Config(
            connect_timeout=self._access.connect_timeout,
            retries={"total_max_attempts": 1},
            proxies={"http": proxy, "https": proxy} if proxy else {},
            ignore_configured_endpoint_urls=True,
        )

    def _says(self, text: str) -> str:
        told = redacted(" ".join(text.split()), self._access.secrets)
        way_out = f"See the files in ~/.aws; where it signs in by SSO: aws sso login --profile {self._name}."
        return f'backend "{self._access.backend}", profile "{self._name}": {told.rstrip(".")}. {way_out}'


def _without_environment() -> dict[str, tuple[object, ...]]:
    """Every setting of a session, with the variable taken away that would stand above the files."""
    variables = cast("Any", VARIABLES)
    return {name: (setting, None, default, convert) for name, (setting, _, default, convert) in variables.items()}
