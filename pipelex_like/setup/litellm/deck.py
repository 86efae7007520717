"""Names become aliases: the deployments of a name in order or balanced, then those of its fallbacks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipelex_like.setup.litellm.backends import Served
from pipelex_like.setup.litellm.kit import kit_backend
from pipelex_like.setup.litellm.providers import name_of
from pipelex_like.types import is_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelex_like.setup.litellm.backends import Backends
    from pipelex_like.setup.litellm.config import Deployment, LiteConfig
    from pipelex_like.types import Kind

_BALANCES: Mapping[str, str] = {
    "simple-shuffle": "weighted",
    "least-busy": "least_in_flight",
    "latency-based-routing": "lowest_latency",
    "cost-based-routing": "cheapest",
}
_SORTS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A name: its own deployments, those of its fallbacks, and what is declared of its errors."""

    name: str
    kind: Kind
    own: tuple[Served, ...]
    after: tuple[Served, ...]
    actions: Mapping[str, str]
    same_as: str | None = None

    @property
    def all(self) -> tuple[Served, ...]:
        """Every deployment in the order in which it is asked, each once."""
        unique: dict[tuple[str, str], Served] = {}
        for served in (*self.own, *self.after):
            unique.setdefault((served.pin, str(served.settings)), served)
        return tuple(unique.values())


@dataclass(slots=True, kw_only=True)
class Names:
    """All names of the file, and the patterns, which map to backends."""

    config: LiteConfig
    backends: Backends
    named: list[Named] = field(default_factory=list[Named])
    patterns: dict[str, str] = field(default_factory=dict[str, str])
    catch_all: str | None = None
    _helpers: dict[str, Served] = field(default_factory=dict[str, "Served"])

    def read(self) -> None:
        """Fill names and patterns."""
        self._read_patterns()
        groups: dict[tuple[str, Kind], list[Served]] = {}
        for served in self.backends.served:
            groups.setdefault((served.deployment.name, served.kind), []).append(served)
        for (name, kind), group in groups.items():
            self.named.append(self._named(name, kind, _by_order(group)))
        for alias, target in self.config.aliases.items():
            self._alias(alias, target)

    def value(self, named: Named) -> object:
        """Give what stands behind the name in the deck: a text, a list, or a table."""
        if named.same_as is not None:
            return named.same_as
        every = named.all
        table = self._policy(named)
        targets = [served.pin for served in every]
        if all(served.settings == every[0].settings for served in every):
            table = {**every[0].settings, **table}
        else:
            targets = [self._alone(served) if served.settings else served.pin for served in every]
        model = targets[0] if len(targets) == 1 else targets
        return {"model": model, **table} if table else model

    def helpers(self, kind: Kind) -> dict[str, dict[str, object]]:
        """Give the aliases that stand for one deployment with its settings; asked for after all values."""
        return {
            name: {"model": served.pin, **served.settings}
            for name, served in self._helpers.items()
            if served.kind == kind
        }

    def _alone(self, served: Served) -> str:
        """Give a name for one deployment with its settings, for chains in which others have none."""
        known = next((name for name, held in self._helpers.items() if held is served), None)
        if known is not None:
            return known
        taken = {*self._helpers, *(named.name for named in self.named)}
        name, count = f"{served.deployment.name}-alone", 1
        while name in taken:
            count += 1
            name = f"{served.deployment.name}-alone-{count}"
        self._helpers[name] = served
        return name

    def _policy(self, named: Named) -> dict[str, object]:
        table: dict[str, object] = {}
        wanted = str(self.config.setting("routing_strategy") or "simple-shuffle")
        balance = _BALANCES.get(wanted, "weighted")
        own = {served.pin for served in named.own}
        if len(named.own) > 1:
            path = ("router_settings", "routing_strategy")
            if wanted not in _BALANCES:
                self.config.report.once(path, f'there is no way to balance like "{wanted}"; they are drawn.')
            if len(named.all) > len(named.own) and balance != "weighted":
                message = (
                    f'"{named.name}": its deployments are drawn by weight, so that the fallbacks stay behind them.'
                )
                self.config.report.otherwise(path, message)
                balance = "weighted"
            table["balance"] = balance
            weights = _weights(named.own) if balance == "weighted" else {}
            after = [served.pin for served in named.all if served.pin not in own]
            if after and not weights:
                weights = dict.fromkeys(own_in_order(named.own), 1)
            if weights:
                table["weights"] = {**weights, **dict.fromkeys(after, 0)}
        if named.actions:
            table["actions"] = dict(named.actions)
        return table

    def _named(self, name: str, kind: Kind, own: list[Served]) -> Named:
        after: list[Served] = []
        seen, actions = {name}, dict[str, str]()
        for sort in _SORTS:
            listed = self._fallbacks(sort, name)
            reached = [served for target in listed for served in self._reach(target, kind, name, sort, seen)]
            if reached and sort != "fallbacks":
                self._tell_sort(sort, name)
            if reached and sort == "content_policy_fallbacks":
                actions["content_policy"] = "next"
            after += reached
        return Named(name=name, kind=kind, own=tuple(own), after=tuple(after), actions=actions)

    def _fallbacks(self, sort: str, name: str) -> list[str]:
        held = self.config.fallbacks.get(sort, {})
        return held.get(name, held.get("*", []))

    def _reach(self, target: str, kind: Kind, owner: str, sort: str, seen: set[str]) -> Iterable[Served]:
        """Give the deployments of a fallback, and of the fallbacks of that, each name once."""
        if target in seen:
            return
        seen.add(target)
        real = self.config.aliases.get(target, target)
        group = [s for s in self.backends.served if s.deployment.name == real and s.kind == kind]
        if not group:
            loose = self.loose(real, kind)
            if loose is None:
                self._tell_lost(target, owner, sort)
                return
            group = [loose]
        yield from _by_order(group)
        for further in self._fallbacks("fallbacks", real):
            yield from self._reach(further, kind, owner, sort, seen)

    def _tell_lost(self, target: str, owner: str, sort: str) -> None:
        """Tell of a fallback that leads nowhere; one for every name need not suit each kind of work."""
        if owner in self.config.fallbacks.get(sort, {}):
            known = any(served.deployment.name == target for served in self.backends.served)
            why = "does another kind of work" if known else "is no name of model_list"
            self.config.report.lost(("router_settings", sort), f'the fallback "{target}" of "{owner}" {why}.')

    def _tell_sort(self, sort: str, name: str) -> None:
        if sort == "context_window_fallbacks":
            message = f'"{name}": these are asked after every error that is passed on, not only for long prompts.'
            hint = "`actions` in the alias say after which errors the next one is asked."
            self.config.report.otherwise(("router_settings", sort), message, hint)

    def _alias(self, alias: str, target: str) -> None:
        found = [named for named in self.named if named.name == target]
        for named in found:
            if any(alias in self.config.fallbacks.get(sort, {}) for sort in _SORTS):
                self.named.append(self._named(alias, named.kind, list(named.own)))
            else:
                self.named.append(replace(named, name=alias, same_as=target))
        if not found:
            loose = self.loose(target, "llm")
            if loose is None:
                message = f'it leads to "{target}", which is no name of model_list.'
                self.config.report.lost(("router_settings", "model_group_alias", alias), message)
            else:
                self.named.append(self._named(alias, "llm", [loose]))

    def loose(self, name: str, kind: Kind) -> Served | None:
        """Give what a name comes to that only a pattern takes, or None."""
        best: tuple[int, Deployment, str] | None = None
        for deployment, backend in self.backends.wild:
            matched = _glob(deployment.name).fullmatch(name)
            if matched and (best is None or len(deployment.name) > best[0]):
                best = len(deployment.name), deployment, backend
        if best is None:
            return None
        _, deployment, backend = best
        rest = name if "*" not in deployment.rest else _rest_of(name, deployment)
        named = name_of(deployment.provider, rest)
        return Served(
            deployment=deployment,
            backend=backend,
            handle=named.model_id,
            model_id=named.model_id,
            kind=kind,
            settings={},
        )

    def _read_patterns(self) -> None:
        for deployment in self.config.deployments:
            if deployment.provider == "*" and deployment.name == "*":
                message = "names without a provider go where the packaged profile sends them, by the keys that are set."
                self.config.report.otherwise((*deployment.path, "model_name"), message)
        for deployment, backend in self.backends.wild:
            path = (*deployment.path, "model_name")
            name, rest = deployment.name, deployment.rest
            prefix = name.removesuffix("/*")
            if name == "*" and rest == "*":
                self.catch_all = backend
            elif name.endswith("/*") and rest == "*" and "*" not in prefix:
                self._add_name(prefix, backend)
            elif name == rest:
                self.patterns[name] = backend
            else:
                message = f'names like "{name}" would become "{rest}"; a pattern cannot rename here.'
                self.config.report.lost(path, message, "Write an alias for each name that is in use.")

    def _add_name(self, prefix: str, backend: str) -> None:
        """Let `prefix/...` lead to the backend: by its name, another name that it has, or one that it is given."""
        others = kit_backend(backend).get("other_names")
        listed = [str(name) for name in others] if is_list(others) else []
        if prefix != backend and prefix not in listed:
            table = self.backends.tables.setdefault(backend, {})
            given = table.get("other_names")
            table["other_names"] = [*(given if is_list(given) else listed), prefix]


def own_in_order(served: Iterable[Served]) -> list[str]:
    """Give the pins, each once."""
    return list(dict.fromkeys(each.pin for each in served))


def _by_order(group: list[Served]) -> list[Served]:
    return sorted(group, key=_order)


def _order(served: Served) -> float:
    value = served.deployment.params.get("order")
    return value if isinstance(value, int | float) else float("inf")


def _weights(own: tuple[Served, ...]) -> dict[str, object]:
    """Give the shares that LiteLLM draws by: weight, else rpm, else tpm; deployments of a later `order` have none."""
    first = [served for served in own if _order(served) == _order(own[0])]
    late = {served.pin: 0 for served in own if served not in first}
    for key in ("weight", "rpm", "tpm"):
        shares = {served.pin: _share(served, key) for served in first}
        if any(shares.values()):
            return {**shares, **late}
    return {**dict.fromkeys(own_in_order(first), 1), **late} if late else {}


def _share(served: Served, key: str) -> float:
    value = served.deployment.params.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0


def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)


def _rest_of(name: str, deployment: Deployment) -> str:
    """Give the model's own name: what the asterisk stands for, in the place of the other asterisk."""
    before, _, behind = deployment.name.partition("*")
    middle = name[len(before) : len(name) - len(behind) if behind else None]
    return deployment.rest.replace("*", middle, 1)
