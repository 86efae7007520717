"""What to do about each outcome of a question to a provider. Pure."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipelex_like.setup.doctor.facts import BackendFacts, Outcome

Cause = Literal["certificate", "name", "nobody", ""]
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")
_GOOGLE_CLOUD = (
    "Check `gcp_credentials_file_path` (GCP_CREDENTIALS_FILE_PATH or GOOGLE_APPLICATION_CREDENTIALS), or sign in: "
    "gcloud auth application-default login."
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def hint_for(
    outcome: Outcome,
    error: BaseException,
    facts: BackendFacts,
    *,
    sdks: Sequence[str] = (),
    environ: Mapping[str, str],
    seconds: float,
) -> str:
    """Say what to do, where something is to be done. `environ` is looked at for proxies that nobody uses."""
    match outcome:
        case "refused":
            return _key(facts, sdks)
        case "quota":
            return "Add credit or raise the limit in the provider's console."
        case "denied":
            return "The key is known, but may not ask this. Calls may work all the same; if not, ask for access."
        case "rate_limited":
            return "The key is known. Try again later, or ask the provider for a higher limit."
        case "unclear":
            return f"Nothing is known of the key. If calls fail too, check `endpoint` of [{facts.name}]{_at(facts)}."
        case "late":
            return f"--timeout {max(30, round(seconds * 3))} waits longer.{_proxy(facts, environ)}"
        case "unreachable":
            return _unreachable(cause_of(error), facts, environ)
        case "failed":
            return "Try again later; if it stays so, check `endpoint`, `proxy` and `headers` of the backend."
        case "accepted" | "open" | "skipped":
            return ""


def cause_of(error: BaseException) -> Cause:
    """Say what kept a connection from being made, as far as the error tells."""
    for one in _chain(error):
        if isinstance(one, ssl.SSLError):
            return "certificate"
        if isinstance(one, socket.gaierror):
            return "name"
        if isinstance(one, ConnectionRefusedError):
            return "nobody"
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
        if isinstance(one, BaseExceptionGroup):
            waiting += cast("BaseExceptionGroup[BaseException]", one).exceptions


def _key(facts: BackendFacts, sdks: Sequence[str]) -> str:
    if any(sdk.startswith("vertex_") for sdk in sdks):
        return _GOOGLE_CLOUD
    held = [f"{key.name} (set in {_place(key.where)})" for way in facts.ways for key in way if key.where]
    where = f" A key: {facts.key_url}" if facts.key_url else ""
    return f"Check {' and '.join(dict.fromkeys(held)) or f'the key of [{facts.name}] in backends.toml'}.{where}"


def _place(where: str) -> str:
    return "the environment" if where == "environment" else where


def _unreachable(cause: Cause, facts: BackendFacts, environ: Mapping[str, str]) -> str:
    host = (urlsplit(facts.address).hostname or "") if facts.address else ""
    match cause:
        case "certificate":
            return (
                f"The certificate{_at(facts)} is not trusted. Where a proxy or a server of your own has its own "
                f'authority, write ca_file = "path/of/authority.pem" in [{facts.name}] of backends.toml.'
            )
        case "nobody" if host in _LOOPBACK and not facts.proxy:
            unneeded = " It matters only to what names it." if facts.only_when_named else ""
            return f"Nothing listens{_at(facts)}: start the server, or correct its address.{unneeded}"
        case "name" if not facts.proxy:
            return f"No address is known for that name{_at(facts)}: check it, and the network.{_proxy(facts, environ)}"
        case _:
            return f"Check the network and `endpoint` of [{facts.name}]{_at(facts)}.{_proxy(facts, environ)}"


def _at(facts: BackendFacts) -> str:
    return f" ({facts.address})" if facts.address else ""


def _proxy(facts: BackendFacts, environ: Mapping[str, str]) -> str:
    if facts.proxy:
        return f" It is called through the proxy {facts.proxy}; check that, too."
    named = next((name for name in _PROXIES if environ.get(name, "").strip()), None)
    if named is None:
        return ""
    return f' {named} is set, but not used by itself: write proxy = "${{{named}}}" in [{facts.name}].'
