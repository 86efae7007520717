"""routing_profiles.toml: who serves which model, in which environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from pipelex_like.deck import NOWHERE, Profile, Profiles, RouteRule, StandIn
from pipelex_like.errors import did_you_mean
from pipelex_like.specs.faults import checked, named
from pipelex_like.specs.fields import BACKEND_NAMES, GATEWAY_NAMES, ROUTES, Text
from pipelex_like.specs.page import shown
from pipelex_like.specs.policy import CallPolicyTable, read_policy
from pipelex_like.specs.stores import read_budgets, read_cache, read_ledger
from pipelex_like.specs.via import read_via
from pipelex_like.types import FrozenDict, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pipelex_like.specs.page import Page, Path

_TOP_KEYS = ("active", "profiles", "environments", "budgets", "ledger", "cache")
_INHERITING = ("extends", "unset")


class ProfileTable(CallPolicyTable):
    """`[profiles.name]`; the tables of patterns are looked at entry by entry."""

    description: str = Field(default="", description="for people, in lists")
    default: Text | None = Field(
        default=None, description="the backend of every model that no route names", json_schema_extra=BACKEND_NAMES
    )
    fallback_order: list[Text] | None = Field(
        default=None,
        description="who is asked, in this order, where default does not serve a model; an empty list = nobody else",
        json_schema_extra=BACKEND_NAMES,
    )
    routes: dict[str, object] | None = Field(
        default=None, description="pattern of handles = the backend that alone may serve them", json_schema_extra=ROUTES
    )
    optional_routes: dict[str, object] | None = Field(
        default=None,
        description="routes that count only where the backend is on and serves the model",
        json_schema_extra=ROUTES,
    )
    stand_ins: dict[str, object] | None = Field(
        default=None,
        description="pattern of handles = the model of the same kind that takes their place",
        json_schema_extra={"x-names": "models", "x-keys": "models"},
    )
    only: list[Text] | None = Field(
        default=None, description="backends allowed; the others count as off", json_schema_extra=BACKEND_NAMES
    )
    exclude: list[Text] | None = Field(default=None, description="backends ruled out", json_schema_extra=BACKEND_NAMES)
    failover: bool = Field(default=False, description="further backends that serve a model are tried after the first")
    via: Text | None = Field(
        default=None,
        description='"cloudflare_gateway" for all backends that it has an address for; "direct" for none',
        json_schema_extra=GATEWAY_NAMES,
    )


@dataclass(slots=True, kw_only=True)
class BackendNames:
    """The backends that a file may name: those of this directory, and, where that is not enough, the kit's.

    `complete` is False where a file that may have declared more could not be read.
    """

    here: frozenset[str]
    other_names: Mapping[str, str]
    kit: Callable[[], frozenset[str]]
    complete: bool = True

    def check(self, name: str, page: Page, path: Path, *, others: bool = False) -> bool:
        """Report a name that no backend has. `others`: further names of backends are as good."""
        if name in self.here or (others and name in self.other_names):
            return True
        if not self.complete:
            page.faulty.add(name)
            return True
        if name in self.other_names:
            hint = f'Write "{self.other_names[name]}", of which this is another name.'
        else:
            kit = self.kit()
            if name in kit:
                return True
            hint = did_you_mean(name, self.here) or did_you_mean(name, kit)
        page.error(path, "unknown-backend", f'no backend named "{shown(name)}".', hint)
        return False

    def known(self, names: Iterable[str], page: Page, path: Path) -> tuple[str, ...]:
        """Give those of a list that are backends; report the others."""
        return tuple(name for place, name in enumerate(names) if self.check(name, page, (*path, place)))


@dataclass(slots=True, kw_only=True)
class ProfilesReader:
    """Reads routing_profiles.toml."""

    page: Page
    backends: BackendNames

    def read(self) -> Profiles:
        """Give all profiles, without what is wrong in them; those with errors are named in the page's `faulty`."""
        data, page = self.page.document.data, self.page
        for key, value in data.items():
            if key not in _TOP_KEYS and key not in _INHERITING:
                page.unknown_key((key,), value, _TOP_KEYS)
        tables = self._table(("profiles",), data.get("profiles"))
        profiles = {name: found for name, table in tables.items() if (found := self._profile(name, table)) is not None}
        active = data.get("active")
        if active is not None and not self._names_profile(active, ("active",), tables):
            active = None
        return Profiles(
            active=active if isinstance(active, str) else None,
            active_origin=page.origin(("active",)) if active is not None else NOWHERE,
            profiles=FrozenDict(profiles),
            environments=self._environments(data.get("environments"), tables),
            environments_origin=page.origin(("environments",)) if "environments" in data else NOWHERE,
            budgets=read_budgets(data.get("budgets"), page),
            ledger=read_ledger(data.get("ledger"), page),
            cache=read_cache(data.get("cache"), page),
        )

    def _table(self, path: Path, value: object) -> dict[str, object]:
        if value is None or is_table(value):
            return value or {}
        self.page.error(path, "wrong-type", f"expected a table, got {named(value)}.")
        return {}

    def _names_profile(self, value: object, path: Path, tables: Mapping[str, object]) -> bool:
        if not isinstance(value, str):
            self.page.error(path, "wrong-type", f"expected the name of a profile, got {named(value)}.")
            return False
        if value in tables:
            return True
        self.page.error(path, "unknown-profile", f'no profile named "{shown(value)}".', did_you_mean(value, tables))
        return False

    def _environments(self, value: object, tables: Mapping[str, object]) -> FrozenDict[str, str]:
        given = self._table(("environments",), value)
        return FrozenDict(
            {
                name: str(profile)
                for name, profile in given.items()
                if self._names_profile(profile, ("environments", name), tables)
            }
        )

    def _profile(self, name: str, raw: object) -> Profile | None:
        page, path = self.page, ("profiles", name)
        before = page.errors
        found = None
        if not is_table(raw):
            page.error(path, "wrong-type", f"expected a profile's table, got {named(raw)}.")
        elif page.name(path, name):
            found = self._read(name, raw, path)
        if page.errors > before:
            page.faulty.add(name)
        return found

    def _read(self, name: str, raw: dict[str, object], path: Path) -> Profile:
        page, backends = self.page, self.backends
        table = checked(ProfileTable, raw, page=page, path=path)
        default = table.default
        if default is not None and not backends.check(default, page, (*path, "default")):
            default = None
        order = table.fallback_order
        return Profile(
            name=name,
            description=table.description,
            default=default,
            fallback_order=None if order is None else backends.known(order, page, (*path, "fallback_order")),
            rules=(
                *self._rules(table.routes, (*path, "routes"), optional=False),
                *self._rules(table.optional_routes, (*path, "optional_routes"), optional=True, beside=table.routes),
            ),
            stand_ins=self._stand_ins(table.stand_ins or {}, (*path, "stand_ins")),
            only=None if table.only is None else backends.known(table.only, page, (*path, "only")),
            exclude=backends.known(table.exclude or (), page, (*path, "exclude")),
            failover=table.failover,
            via=read_via(table.via, page, (*path, "via")),
            policy=read_policy(table, page, path, known=backends),
            origin=page.origin(path),
            origins=page.origins(path, raw),
        )

    def _rules(
        self,
        given: Mapping[str, object] | None,
        path: Path,
        *,
        optional: bool,
        beside: Mapping[str, object] | None = None,
    ) -> list[RouteRule]:
        rules: list[RouteRule] = []
        for pattern, backend in (given or {}).items():
            where = (*path, pattern)
            if not self._pattern(where, pattern, backend):
                continue
            if beside is not None and pattern in beside:
                self.page.error(
                    where, "route-twice", "this pattern stands in routes too.", "Keep it in one of the two tables."
                )
            elif not isinstance(backend, str):
                self.page.error(where, "wrong-type", f"expected the name of a backend, got {named(backend)}.")
            elif self.backends.check(backend, self.page, where):
                rules.append(RouteRule(pattern, backend, optional, self.page.origin(where)))
        return rules

    def _pattern(self, path: Path, pattern: str, value: object) -> bool:
        if is_table(value):
            self.page.unquoted(path, value)
            return False
        return self.page.name(path, pattern)

    def _stand_ins(self, given: Mapping[str, object], path: Path) -> tuple[StandIn, ...]:
        found: list[StandIn] = []
        for pattern, value in given.items():
            where = (*path, pattern)
            if not self._pattern(where, pattern, value):
                continue
            handles = value if is_list(value) else [value]
            texts = tuple(handle for handle in handles if isinstance(handle, str) and handle)
            if not texts or len(texts) < len(handles):
                self.page.error(where, "wrong-type", "expected the name of a model, or a list of such names.")
                continue
            found.append(StandIn(pattern, texts, self.page.origin(where)))
        return tuple(found)
