"""The keys, headers and policy of a backend filled in, with what any output may show of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelex_like.deck import NO_POLICY, Filled, Policy, Slot, Template
from pipelex_like.deck.policy import RULES
from pipelex_like.routing.variables import Value, coerce, misfit, problem, sdk_template

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelex_like.deck import BackendSpec, Scalarish, SdkKey, SdkSettings
    from pipelex_like.deck.policy import Rule
    from pipelex_like.errors import Problem
    from pipelex_like.routing.variables import Environment

HIDDEN = "***"
# A shorter text is no secret, and blotting it out would spoil every message.
_SHORTEST_SECRET = 4
# Servers without keys are given words like `not-needed`; a default that long is a key.
_SHORTEST_DEFAULT = 16
_DEFAULT = re.compile(r":-[^}]+\}")
_CREDENTIAL = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(slots=True)
class Access:
    """What the table of a backend comes to in an environment.

    `missing` maps each key that stands in the table to the variables it lacks, `wanting` the same for keys that
    only an SDK's template stands for; `live` maps the keys that variables (not defaults) set to their names.
    """

    keys: dict[str, Filled] = field(default_factory=dict[str, Filled])
    headers: dict[str, Filled] = field(default_factory=dict[str, Filled])
    proxy: Filled | None = None
    ca_file: Filled | None = None
    policy: Policy = NO_POLICY
    missing: dict[str, tuple[Template, tuple[Slot, ...]]] = field(
        default_factory=dict[str, tuple[Template, tuple[Slot, ...]]]
    )
    wanting: dict[str, tuple[Slot, ...]] = field(default_factory=dict[str, tuple[Slot, ...]])
    live: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    secrets: set[str] = field(default_factory=set[str])
    problems: list[Problem] = field(default_factory=list["Problem"])

    @property
    def hidden(self) -> frozenset[str]:
        """The values that no output may hold."""
        return frozenset(secret for secret in self.secrets if len(secret) >= _SHORTEST_SECRET)


def fill_access(spec: BackendSpec, sdks: Iterable[SdkSettings], environment: Environment) -> Access:
    """Fill in a backend's table; keys that it lacks take the SDK's own template."""
    known: dict[str, SdkKey] = {}
    for sdk in sdks:
        for key in sdk.keys:
            known.setdefault(key.name, key)
    access = Access()
    for name, value in spec.keys.items():
        _fill_key(access, name, value, known.get(name), environment)
    for name, key in known.items():
        if name not in spec.keys and key.template is not None:
            template = sdk_template(key.template, spec.origin.at(name), key.scalar)
            _fill_key(access, name, template, key, environment, given=False)
    address = access.keys.get("endpoint")
    if address is not None and (fault := _address_fault(str(address.value))):
        written = spec.keys.get("endpoint")
        shown = written.text if isinstance(written, Template) else address.shown
        hint = 'Write an address such as "https://host/v1".'
        message = f"{shown} is no address: {fault}."
        access.problems.append(problem("error", "bad-endpoint", spec.where("endpoint"), message, hint))
    for name, value in spec.headers.items():
        hidden = bool(_CREDENTIAL.search(name))
        filled = _fill(access, f"headers.{name}", value, environment, shown=HIDDEN if hidden else None)
        if filled is not None:
            access.headers[name] = _masked(filled) if hidden else filled
            _keep_literal(access, value, filled, hidden)
    _fill_connection(access, spec, environment)
    access.policy = _fill_policy(access, spec.policy, environment)
    return access


def _fill_connection(access: Access, spec: BackendSpec, environment: Environment) -> None:
    if spec.proxy is not None:
        access.proxy = _fill(access, "proxy", spec.proxy, environment, shown=_proxy_shown(spec.proxy))
        if access.proxy is not None and isinstance(spec.proxy, str) and "@" in spec.proxy:
            _keep(access, spec.proxy, *_url_parts(spec.proxy))
    if spec.ca_file is not None:
        access.ca_file = _fill(access, "ca_file", spec.ca_file, environment, shown=None, public=True)


def _fill_key(
    access: Access,
    name: str,
    value: Scalarish,
    key: SdkKey | None,
    environment: Environment,
    *,
    given: bool = True,
) -> None:
    secret = key.secret if key is not None else bool(_CREDENTIAL.search(name))
    public = key is not None and key.public
    shown = HIDDEN if secret else _host(str(value)) if name == "endpoint" and "@" in str(value) else None
    filled = _fill(access, name, value, environment, shown=shown, public=public, given=given)
    if filled is not None:
        access.keys[name] = _masked(filled) if secret else filled
        _keep_literal(access, value, filled, secret)
        if shown is not None and not secret:
            _keep(access, *_url_parts(str(value)))


def _fill(
    access: Access,
    name: str,
    value: Scalarish,
    environment: Environment,
    *,
    shown: str | None,
    public: bool = False,
    given: bool = True,
) -> Filled | None:
    if not isinstance(value, Template):
        blank = isinstance(value, str) and not value.strip()
        return None if blank else Filled(value, shown if shown is not None else str(value))
    reading = environment.read(value)
    if reading.missing and given:
        access.missing[name] = (value, reading.missing)
    elif reading.missing:
        access.wanting[name] = reading.missing
    if reading.found:
        access.live[name] = reading.found
    if reading.text is None:
        return None
    filled = coerce(reading.text, value.scalar)
    if filled is None:
        access.problems.append(misfit(value))
        return None
    if isinstance(filled, str):
        # What reads a variable from a file often leaves the line's end behind it.
        filled = filled.strip()
        if _CONTROL.search(filled):
            access.problems.append(misfit(value, "free of control characters, such as a line break"))
            return None
        if not public and reading.found:
            _hide(access, name, filled, reading.values)
    return Filled(_scalar(filled), _shown(name, value, filled, public=public))


def _scalar(value: Value) -> str | int | float | bool:
    return value if isinstance(value, str | int | float) else float(value)


def _shown(name: str, template: Template, value: Value, *, public: bool) -> str:
    if public:
        return str(value)
    return (_host(str(value)) if name == "endpoint" else "") or template.text


def _hide(access: Access, name: str, value: str, parts: tuple[str, ...]) -> None:
    if name == "endpoint" and _is_bare(value):
        return
    _keep(access, value, *parts, *(_url_parts(value) if "://" in value else ()))


def _keep(access: Access, *values: str | None) -> None:
    access.secrets.update(value.strip() for value in values if value)


def _masked(filled: Filled) -> Filled:
    """Show nothing of the default that a template has for a credential."""
    return replace(filled, shown=_DEFAULT.sub(f":-{HIDDEN}}}", filled.shown))


def _keep_literal(access: Access, value: Scalarish, filled: Filled, secret: bool) -> None:
    if secret and isinstance(value, Template):
        _keep(access, *(slot.default for slot in value.slots if len(slot.default or "") >= _SHORTEST_DEFAULT))
    elif secret:
        text = str(filled.value)
        # `Bearer abc` is a secret for the sake of its last word.
        _keep(access, text, *text.split()[-1:])


def _address_fault(url: str) -> str:
    """Say what is wrong with an address, without the address itself; empty where nothing is."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return "its host or port cannot be read (a port is a number from 1 to 65535)"
    if parts.scheme.lower() not in ("http", "https"):
        return "it does not begin with http:// or https://"
    if not parts.hostname:
        return "it has no host"
    return "a port is a number from 1 to 65535" if port == 0 else ""


def _is_bare(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and parts.path.rstrip("/") in ("", "/v1") and not (parts.query or "@" in parts.netloc)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else ""


def _proxy_shown(proxy: str | Template) -> str | None:
    return (_host(proxy) or HIDDEN) if isinstance(proxy, str) and "@" in proxy else None


def _url_parts(url: str) -> list[str]:
    """Give what may be secret in a URL by itself, since errors of a provider tell the path without the host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    path = parts.path.rstrip("/")
    return [part for part in (parts.password, parts.query, path, path.removesuffix("/v1")) if part and part != "/v1"]


def _fill_policy(access: Access, policy: Policy, environment: Environment) -> Policy:
    if policy is NO_POLICY:
        return policy
    changes: dict[str, Value | None] = {}
    for name, rule in RULES.items():
        template = getattr(policy, name)
        if not isinstance(template, Template):
            continue
        reading = environment.read(template)
        value = None if reading.text is None else coerce(reading.text, template.scalar)
        if reading.text is not None and (isinstance(value, str) or value is None or not _fits(value, rule)):
            access.problems.append(misfit(template, _wish(rule)))
            value = None
        changes[name] = value
    return replace(policy, **changes) if changes else policy


# The bounds of the numbers that files write themselves.
_MOST_SECONDS, _MOST_COUNTED = 10**9, 2**53


def _fits(value: Value, rule: Rule) -> bool:
    number = float(value)
    most = _MOST_COUNTED if rule.form == "integer" else _MOST_SECONDS
    return (number > 0 if rule.least is None else number >= rule.least) and number <= most


def _wish(rule: Rule) -> str:
    number = "a whole number" if rule.form == "integer" else "a number"
    return f"{number} above 0" if rule.least is None else f"{number} from {rule.least}"
