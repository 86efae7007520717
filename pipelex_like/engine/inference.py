"""The way in: a configuration in force, and the calls that go through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pipelex_like.engine.core import Core, State
from pipelex_like.engine.load import Source, bind_to, log_warnings, read
from pipelex_like.engine.options import Scope, scope_of
from pipelex_like.engine.runtime import Runtime
from pipelex_like.engine.sync import Sync
from pipelex_like.engine.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipelex_like.deck import Backend, BoundDeck, ModelSpec, Profile
    from pipelex_like.documents import Place
    from pipelex_like.engine.load import LoadedDeck
    from pipelex_like.errors import Problem
    from pipelex_like.routing import Router
    from pipelex_like.usage.summary import Summary


class View(Verbs):
    """An Inference under one scope: a profile, or fewer backends. It shares everything else with its owner."""

    def using(
        self,
        *,
        profile: str | None = None,
        provider: str | None = None,
        only: Sequence[str] | None = None,
        exclude: Sequence[str] = (),
    ) -> View:
        """Give a cheap view whose calls hold to these; what this one rules out stays ruled out.

        Raises ConfigError for a profile that is not there, TypeError for what is no name.
        """
        given = {"profile": profile, "provider": provider, "only": only, "exclude": exclude}
        scope = scope_of(given).within(self._scope)
        self._core.state.under(scope.profile)
        view = View(self._core, scope)
        if scope.profile is not None:
            self._core.keep(scope.profile, view)
        return view

    @property
    def sync(self) -> Sync:
        """The same calls, blocking, for code without an event loop."""
        return Sync(self, self._core.background)

    @property
    def router(self) -> Router:
        """Resolves and explains references under this profile: pure and instant."""
        return self._core.state.under(self._scope.profile).router

    @property
    def deck(self) -> LoadedDeck:
        """What the files say, with `warnings`."""
        return self._core.state.under(self._scope.profile).loaded

    @property
    def bound(self) -> BoundDeck:
        """The deck with the environment filled in."""
        return self._core.state.under(self._scope.profile).deck

    @property
    def backends(self) -> Mapping[str, Backend]:
        """The backends by name, in the order of the files, each with its state and the reason for it."""
        return self.bound.backends

    @property
    def specs(self) -> Mapping[str, Mapping[str, ModelSpec]]:
        """The models by backend and handle."""
        return self.bound.specs

    @property
    def profiles(self) -> Mapping[str, Profile]:
        """All routing profiles by name."""
        return self.bound.deck.profiles.profiles

    @property
    def profile(self) -> Profile:
        """The profile in force."""
        return self.bound.profile

    @property
    def profile_from(self) -> str:
        """What chose the profile: the argument, PIPELEX_PROFILE, an environment, or the files' `active`."""
        return self.bound.profile_from

    @property
    def usage(self) -> Summary:
        """What was used and spent since the load, by model, backend, preset, profile, day, kind or tag."""
        return self._core.governor.summary

    @property
    def place(self) -> Place:
        """The directory of the configuration, and what chose it."""
        return self._core.state.loaded.place

    @property
    def reload_problems(self) -> tuple[Problem, ...]:
        """What keeps the files as they stand now from being in force; empty when the last reading of them succeeded."""
        return self._core.reload_problems

    def __repr__(self) -> str:
        return f"{type(self).__name__}(directory={str(self.place.directory)!r}, profile={self.profile.name!r})"


class Inference(View):
    """A loaded configuration.

    Safe to use from many threads and event loops at once. Use it in a `with` or `async with` block, or close it:
    that ends the background thread of `sync`, the connections, and the local models and sandbox it started.
    """

    @classmethod
    def load(
        cls,
        config_dir: str | Path | None = None,
        *,
        profile: str | None = None,
        environ: Mapping[str, str] | None = None,
        env_file: str | Path | None = None,
        lenient: bool = False,
        watch: bool = False,
        runtime: Runtime | None = None,
    ) -> Self:
        """Find, read and check a configuration, without network and without importing any SDK.

        `environ` is used in place of os.environ. `lenient` lets backends load whose variables are missing: calls
        that need them raise CredentialsError. With `watch`, changed files are put in force while calls go on (see
        the method `watch`). Raises ConfigError with every problem of every file, ModelDeckNotFoundError where there is
        no deck.
        """
        loaded = read(Source(config_dir=config_dir, environ=environ, env_file=env_file, lenient=lenient))
        main = bind_to(loaded, profile)
        log_warnings(main.loaded.warnings)
        core = Core(State(loaded=loaded, main=main), runtime or Runtime(), profile)
        if watch:
            core.watch()
        return cls(core, Scope())

    def use_profile(self, name: str) -> None:
        """Put another profile in force; calls in flight finish under the old one. ConfigError leaves it as it was."""
        self._core.check_open()
        self._core.swap(profile=name, again=False)

    def reload(self) -> None:
        """Read the configuration again; calls in flight finish on the old one.

        The profile that was chosen stays. ConfigError, also in `reload_problems`, leaves everything as it was.
        """
        self._core.check_open()
        self._core.swap(again=True)

    def watch(self) -> None:
        """Put every change of the files in force by itself from now on: of the directory, what it extends, `.env` and
        secrets.

        A file that is broken or half written keeps the old deck serving: `reload_problems` tells why, and the logger
        `pipelex_like` once. Watching twice is fine; a forked child does not watch until it asks. ConfigError where the
        extra `watch` is not installed.
        """
        self._core.check_open()
        self._core.watch()

    def close(self) -> None:
        """Let go of threads, connections, models and the sandbox. Closing twice is fine."""
        self._core.close()

    async def aclose(self) -> None:
        """Close, with the connections of the running loop closed before this returns."""
        await self._core.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
