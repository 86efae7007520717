"""What all calls of one Inference share: who is well, who is busy, what may be spent, and where the account goes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.engine.caching import ResponseCache
from pipelex_like.engine.coalescing import Coalescer
from pipelex_like.engine.telemetry import Telemetry
from pipelex_like.resilience.balance import Figures
from pipelex_like.resilience.budget import Budget
from pipelex_like.resilience.gates import Gates
from pipelex_like.resilience.health import Health
from pipelex_like.usage.holds import Holds
from pipelex_like.usage.ledger import form_of, ledger_path, open_ledger
from pipelex_like.usage.sinks import Sinks
from pipelex_like.usage.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from pipelex_like.deck import CacheStore, Profiles
    from pipelex_like.engine.runtime import Runtime
    from pipelex_like.resilience.budget import Hold
    from pipelex_like.types import UsageRecord


class Governor:
    """Made with the first call, and kept when the configuration is read again: what was spent stays spent, and who
    failed has still failed. `root` is where relative paths start."""

    def __init__(self, runtime: Runtime, root: Path, variables: Mapping[str, str], profiles: Profiles) -> None:
        self.health = Health(runtime.clock)
        self.gates = Gates()
        self.figures = Figures()
        self.coalescer = Coalescer()
        self.summary = Summary()
        self.telemetry = Telemetry.find()
        self._runtime = runtime
        self._root = root
        self._ledger_path = _ledger(profiles, variables, root)
        self._ledger = None if self._ledger_path is None else open_ledger(self._ledger_path)
        self._store = _day_store(self._ledger_path)
        self.budget = Budget(profiles.budgets, runtime.now, store=self._store)
        self._cache_spec = profiles.cache
        self._cache: ResponseCache | None = None
        self._sinks = self._lined_up()

    def _lined_up(self) -> Sinks:
        ledger = () if self._ledger is None else (self._ledger,)
        return Sinks((self.summary, *ledger, *self._runtime.sinks))

    def refit(self, variables: Mapping[str, str], profiles: Profiles) -> None:
        """Go by a configuration that was read again."""
        path = _ledger(profiles, variables, self._root)
        if path != self._ledger_path:
            self._close_ledger()
            self._ledger_path = path
            self._ledger = None if path is None else open_ledger(path)
            self._store = _day_store(path)
            self._sinks = self._lined_up()
        self.budget.replace(profiles.budgets, store=self._store)
        if profiles.cache != self._cache_spec:
            self._cache_spec = profiles.cache
            self._close_cache()

    @property
    def cache(self) -> ResponseCache:
        """The answers that are kept; opened when the first call asks for it."""
        if self._cache is None:
            self._cache = _open_cache(self._cache_spec, self._root, self._runtime)
        return self._cache

    def write(self, record: UsageRecord) -> None:
        """Hand a record to whoever keeps account."""
        self._sinks.write(record)

    async def reserve(self, cost: Decimal | None, tokens: int, why: str | None) -> Hold:
        """Put money by for a request. Raises BudgetError where a limit would be passed."""
        if not self.budget.blocks:
            return self.budget.reserve(cost, tokens, why=why)
        holding = asyncio.ensure_future(asyncio.to_thread(self.budget.reserve, cost, tokens, why=why))
        try:
            return await asyncio.shield(holding)
        except asyncio.CancelledError:
            # The thread goes on: what it puts by is nobody's any more.
            holding.add_done_callback(self._let_go)
            raise

    def _let_go(self, holding: asyncio.Future[Hold]) -> None:
        if not holding.cancelled() and holding.exception() is None:
            self.budget.release(holding.result())

    def flush(self) -> None:
        """Have every record written that was handed over."""
        self._sinks.flush()

    def close(self) -> None:
        """Write what is left and let go of files. The sinks that were handed in stay open: they are their owner's."""
        self._sinks.flush()
        self._close_ledger()
        self._close_cache()

    def _close_ledger(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None
        if self._store is not None:
            self._store.close()
            self._store = None
        self._sinks = self._lined_up()

    def _close_cache(self) -> None:
        cache, self._cache = self._cache, None
        if cache is not None:
            cache.close()


def _ledger(profiles: Profiles, variables: Mapping[str, str], root: Path) -> Path | None:
    return ledger_path(None if profiles.ledger is None else profiles.ledger.path, variables, root)


def _day_store(path: Path | None) -> Holds | None:
    return Holds(path) if path is not None and form_of(path) == "sqlite" else None


def _open_cache(spec: CacheStore, root: Path, runtime: Runtime) -> ResponseCache:
    path = None if spec.path is None else root / Path(spec.path).expanduser()
    return ResponseCache(path=path, max_entries=spec.max_entries, ttl=spec.ttl, now=runtime.now)
