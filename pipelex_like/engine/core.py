"""What an Inference and all its views share: the deck of the moment, the clients, the background loop."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary, ref

from pipelex_like.engine.background import CLOSED, Background
from pipelex_like.engine.clients import Clients, Key
from pipelex_like.engine.load import Bound, Loaded, bind_to, log_warnings, read, same_files
from pipelex_like.engine.sandbox import LazySandbox, is_simulated
from pipelex_like.engine.watching import Watching
from pipelex_like.errors import ConfigError, Problem
from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Access

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelex_like.deck import Backend
    from pipelex_like.engine.governor import Governor
    from pipelex_like.engine.limits import Rules
    from pipelex_like.engine.objects import ObjectShape
    from pipelex_like.engine.runtime import Runtime
    from pipelex_like.engine.verbs import Verbs

CONNECT_SECONDS = 10.0
_MOST_SHAPES = 256


@dataclass(frozen=True, slots=True)
class Reach:
    """How to reach a backend through an SDK, and the fingerprint of it."""

    access: Access
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A configuration in use. Calls take it once, so that a swap in their middle does not concern them.

    `others` keeps the same deck bound to further profiles, `reaches` what was worked out per (backend, sdk, gateway),
    `usual` the rules of calls for which nobody declared any, by profile.
    """

    loaded: Loaded
    main: Bound
    others: dict[str, Bound] = field(default_factory=dict[str, Bound])
    usual: dict[str, Rules] = field(default_factory=dict[str, "Rules"])
    reaches: dict[tuple[str, str, str | None], Reach] = field(default_factory=dict[tuple[str, str, str | None], Reach])

    def under(self, profile: str | None) -> Bound:
        """Give the deck under that profile; None = the one in force. Raises ConfigError for one that is not there."""
        if profile is None or profile == self.main.deck.profile.name:
            return self.main
        bound = self.others.get(profile)
        if bound is None:
            bound = self.others[profile] = bind_to(self.loaded, profile)
        return bound


class Core:
    """Holds all that outlives a call."""

    def __init__(self, state: State, runtime: Runtime, profile: str | None) -> None:
        self.state = state
        self.runtime = runtime
        self.clients = Clients()
        self.background = Background()
        self.sandbox = LazySandbox()
        self.watching = Watching()
        self.closed = False
        self.reload_problems: tuple[Problem, ...] = ()
        self._governor: Governor | None = None
        # By process: a child must not wait for what a thread of its parent had begun.
        self._locks: dict[tuple[int, str], Lock] = {}
        self._views: WeakValueDictionary[tuple[int, str], Verbs] = WeakValueDictionary()
        self._profile = profile
        self._shapes: dict[object, ObjectShape[object]] = {}

    @property
    def governor(self) -> Governor:
        """What all calls share beyond their workers; made by the first of them, since loading needs none of it."""
        if self._governor is None:
            from pipelex_like.engine.governor import Governor

            with self._lock("governor"):
                if self._governor is None:
                    loaded = self.state.loaded
                    self._governor = Governor(self.runtime, loaded.place.root, loaded.variables, loaded.deck.profiles)
        return self._governor

    def reach(self, state: State, backend: Backend, sdk: str, via: str | None = None) -> Reach:
        """Give the access to a backend, through a gateway if it is named; the sandbox is started if it is the one."""
        key = (backend.name, sdk, via)
        reach = state.reaches.get(key)
        if reach is None:
            access = self._access(state, backend, sdk)
            access = access if via is None else _through(access, backend)
            reach = Reach(access, access.fingerprint())
            # A sandbox lives in one process and may be started anew after a fork: its address is never kept.
            if not is_simulated(backend):
                state.reaches[key] = reach
        return reach

    def _access(self, state: State, backend: Backend, sdk: str) -> Access:
        settings = state.loaded.deck.sdks.get(sdk)
        paths = [key.name for key in settings.keys if key.path] if settings is not None else []
        keys = {name: filled.value for name, filled in backend.keys.items()}
        root = state.loaded.place.root
        keys |= {name: str(root / Path(str(keys[name])).expanduser()) for name in paths if name in keys}
        secrets = backend.secrets
        if is_simulated(backend):
            sandbox = self.sandbox.start()
            needed = settings.simulated if settings is not None else ()
            keys |= {name: value.replace("{key}", sandbox.api_key) for name, value in needed}
            keys |= {"endpoint": sandbox.url, "api_key": sandbox.api_key}
            secrets |= {sandbox.api_key}
        connect = backend.policy.connect_timeout
        return Access(
            backend=backend.name,
            sdk=sdk,
            keys=FrozenDict(keys),
            headers=FrozenDict({name: str(filled.value) for name, filled in backend.headers.items()}),
            proxy=None if backend.proxy is None else str(backend.proxy.value),
            ca_file=None if backend.ca_file is None else str(root / Path(str(backend.ca_file.value)).expanduser()),
            secrets=secrets,
            shown=FrozenDict({name: filled.shown for name, filled in backend.keys.items()}),
            key_url=backend.spec.key_url,
            connect_timeout=connect if isinstance(connect, int | float) else CONNECT_SECONDS,
        )

    def shape(self, wanted: object) -> ObjectShape[object]:
        """Give the shape of a type; those of types that were asked for before are kept."""
        from pipelex_like.engine.objects import shape_of

        try:
            shape = self._shapes.get(wanted)
        except TypeError:  # a dict or a type with unhashable metadata
            return shape_of(wanted)
        if shape is None:
            shape = shape_of(wanted)
            if len(self._shapes) >= _MOST_SHAPES:
                self._shapes.clear()
            self._shapes[wanted] = shape
        return shape

    def swap(self, *, profile: str | None = None, again: bool) -> None:
        """Put another deck in force, read `again` or under another profile; on a ConfigError the old one stays."""
        with self._lock("swap"):
            self.check_open()
            try:
                loaded = read(self.state.loaded.source) if again else self.state.loaded
                self._enforce(loaded, profile or self._profile)
            except ConfigError as error:
                self.reload_problems = _errors(error) if again else self.reload_problems
                raise
            self.reload_problems = () if again else self.reload_problems

    def renew(self, unchanged: Callable[[], bool]) -> Loaded | None:
        """Read again what stands in the same directory, and put it in force if it is good, and other than before.

        Gives what was read, with `reload_problems` telling why it is not in force; None where the files were not
        `unchanged` at the end of reading, or this was closed.
        """
        with self._lock("swap"):
            before = self.state.loaded
            loaded = read(before.source, before.place)
            if self.closed or not unchanged():
                return None
            try:
                if not same_files(loaded, before):
                    self._enforce(loaded, self._profile)
            except ConfigError as error:
                self.reload_problems = _errors(error)
            else:
                self.reload_problems = ()
            return loaded

    def _enforce(self, loaded: Loaded, profile: str | None) -> None:
        state = State(loaded=loaded, main=bind_to(loaded, profile))
        for view in self._views.valuerefs():
            # A view outlives this: its calls shall not fail for a profile that is there no more.
            if view() is not None:
                state.under(view.key[1])
        if loaded is not self.state.loaded:
            known = self.state.main.loaded.warnings
            log_warnings(problem for problem in state.main.loaded.warnings if problem not in known)
        with self._lock("governor"):
            self.state, self._profile = state, profile
            governor = self._governor
        if governor is not None:
            governor.refit(loaded.variables, loaded.deck.profiles)
        self.clients.retire(self._is_live)

    def _lock(self, what: str) -> Lock:
        key = (os.getpid(), what)
        return self._locks.get(key) or self._locks.setdefault(key, Lock())

    def keep(self, profile: str, view: Verbs) -> None:
        """Refuse decks without that profile, as long as somebody holds the view."""
        self._views[id(view), profile] = view

    def watch(self) -> None:
        """Have changed files read again from now on, in this process."""
        self.check_open()
        self.watching.start(ref(self), self.state.loaded)

    def _is_live(self, key: Key) -> bool:
        state = self.state
        backend = state.main.deck.backends.get(key.backend)
        if backend is None:
            return False
        ways = (None, backend.via.gateway) if backend.via is not None and key.sdk in backend.via.endpoints else (None,)
        return any(self.reach(state, backend, key.sdk, via).fingerprint == key.fingerprint for via in ways)

    def check_open(self) -> None:
        """Raise RuntimeError once it was closed."""
        if self.closed:
            raise RuntimeError(CLOSED)

    def close(self) -> None:
        """Let go of everything: the background thread, its clients, those of loops that still run, the sandbox."""
        self.closed = True
        self.watching.close()
        self.background.close()
        self.clients.close_others()
        self.sandbox.close()
        if self._governor is not None:
            self._governor.close()

    async def aclose(self) -> None:
        """Close like `close`; what belongs to the running loop is closed when this returns."""
        import asyncio

        self.closed = True
        await self.clients.aclose()
        # Each waits for a thread of its own, which must not hold up this loop.
        if self.background.running or self.sandbox.running or self.watching.running or self._governor is not None:
            await asyncio.to_thread(self.close)
        else:
            self.close()

    def __del__(self) -> None:
        # Dropped without close(): no word and no waiting, but our threads shall not outlive us.
        if not self.closed and not sys.is_finalizing():
            self.watching.close(wait=False)
            self.background.close(wait=False)
            self.sandbox.close(wait=False)


def _errors(error: ConfigError) -> tuple[Problem, ...]:
    return tuple(problem for problem in error.problems if problem.severity == "error")


def _through(access: Access, backend: Backend) -> Access:
    """Give the same access with the gateway's address in the place of the backend's own, and what the gateway wants."""
    via = backend.via
    if via is None or access.sdk not in via.endpoints:
        return access
    return replace(
        access,
        keys=FrozenDict({**access.keys, "endpoint": via.endpoints[access.sdk]}),
        headers=FrozenDict({**via.headers, **access.headers}),
        proxy=access.proxy or via.proxy,
        secrets=access.secrets | via.secrets,
    )
