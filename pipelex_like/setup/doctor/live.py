"""Asking the providers: one free question per backend that is on, all at once, within a deadline."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelex_like.engine.core import Core, State
from pipelex_like.engine.sandbox import is_simulated
from pipelex_like.errors import (
    AccessDeniedError,
    BadRequestError,
    CallError,
    CallTimeoutError,
    CredentialsError,
    NotFoundError,
    QuotaError,
    RateLimitError,
    UnreachableError,
)
from pipelex_like.setup.doctor.backends import CATALOGUE, sdks_of
from pipelex_like.setup.doctor.facts import Check
from pipelex_like.setup.doctor.hints import hint_for
from pipelex_like.setup.doctor.offers import compared
from pipelex_like.workers.translate import Called, translating

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipelex_like.deck import Backend, BoundDeck, ModelSpec
    from pipelex_like.engine.runtime import Runtime
    from pipelex_like.setup.doctor.facts import BackendFacts, Choice, Option, Outcome, Report
    from pipelex_like.setup.doctor.line import Found, KeyState
    from pipelex_like.setup.doctor.report import Diagnosis
    from pipelex_like.workers.base import Access

_OUTCOMES: tuple[tuple[type[CallError], Outcome], ...] = (
    (CredentialsError, "refused"),
    (QuotaError, "quota"),
    (AccessDeniedError, "denied"),
    (RateLimitError, "rate_limited"),
    # The address answers, but not this question: that says nothing of calls.
    (NotFoundError, "unclear"),
    (BadRequestError, "unclear"),
    (CallTimeoutError, "late"),
    (UnreachableError, "unreachable"),
)
_SAID: Mapping[KeyState, tuple[Outcome, str]] = {
    "accepted": ("accepted", "the key is accepted"),
    "none": ("open", "it answers, and no key is set"),
    "not looked at": ("open", "it answers, but lists its models to anybody: nobody looked at the key"),
}
_ON_THIS_MACHINE = "it works on this machine: there is nobody to ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """A question to be asked: of a backend, through one protocol. `access` is that of its first SDK."""

    facts: BackendFacts
    access: Access
    sdks: tuple[str, ...]
    models: tuple[ModelSpec, ...]
    catalogue: bool
    environ: Mapping[str, str]


def with_checks(diagnosis: Diagnosis, runtime: Runtime, *, seconds: float, environ: Mapping[str, str]) -> Report:
    """Ask every reported backend that is on, and give the report with what they answered.

    Nothing that costs money is sent. `seconds` bounds each question, and so, since they go out at once, all of them.
    `environ` is only looked at for hints.
    """
    report, loaded, bound = diagnosis.report, diagnosis.loaded, diagnosis.bound
    if loaded is None or bound is None:
        return replace(report, checks=())
    core = Core(State(loaded=loaded, main=bound), runtime, None)
    checks: list[Check] = []
    tasks: list[_Task] = []
    try:
        for facts in report.backends:
            if facts.state == "on":
                skipped, wanted = _tasks(core, bound.deck, facts, environ)
                checks += skipped
                tasks += wanted
        checks += core.background.run(_all(tasks, runtime.clock, seconds)) if tasks else []
    finally:
        # A look-up of a name cannot be ended; the report does not wait for one.
        core.background.close(wait=False)
        core.close()
    order = {facts.name: at for at, facts in enumerate(report.backends)}
    checks.sort(key=lambda check: order[check.backend])
    return replace(report, checks=tuple(checks), choices=tuple(_judged(choice, checks) for choice in report.choices))


def _tasks(
    core: Core, deck: BoundDeck, facts: BackendFacts, environ: Mapping[str, str]
) -> tuple[list[Check], list[_Task]]:
    """Give the questions to a backend, and what is said where there is none to be asked."""
    backend = deck.backends[facts.name]
    settings = sdks_of(backend, deck)
    remote = [one.sdk for one in settings if one.sends_requests]
    if facts.install:
        return [_skipped(facts, remote, f"its SDK is missing: {facts.install}", outcome="failed")], []
    if not remote:
        return [_skipped(facts, [one.sdk for one in settings], _ON_THIS_MACHINE)], []
    if is_simulated(backend):
        return [_skipped(facts, remote, "the simulated provider starts with the first call")], []
    from pipelex_like.setup.doctor.listings import protocol_of

    groups: dict[str | None, list[str]] = {}
    for sdk in remote:
        groups.setdefault(protocol_of(sdk), []).append(sdk)
    unknown = groups.pop(None, [])
    skipped = [_skipped(facts, unknown, "nothing is known that it answers for nothing")] if unknown else []
    return skipped, [_task(core, backend, facts, sdks, environ) for sdks in groups.values()]


def _skipped(facts: BackendFacts, sdks: Sequence[str], message: str, *, outcome: Outcome = "skipped") -> Check:
    return Check(backend=facts.name, sdks=tuple(sdks), outcome=outcome, message=message)


def _task(core: Core, backend: Backend, facts: BackendFacts, sdks: Sequence[str], environ: Mapping[str, str]) -> _Task:
    deck = core.state.main.deck
    models = tuple(model for model in deck.specs[backend.name].values() if model.sdk in sdks)
    # The first SDK speaks for all, so it is one that has models to ask about.
    sdk = next((str(model.sdk) for model in models), sdks[0])
    via = backend.via.gateway if backend.via is not None and sdk in backend.via.endpoints else None
    default = [backend.spec.default_spec] if backend.spec.default_spec is not None else []
    return _Task(
        facts=facts,
        access=core.reach(core.state, backend, sdk, via).access,
        sdks=tuple(sdks),
        models=models,
        catalogue=any(model.variant == CATALOGUE for model in (*models, *default)),
        environ=environ,
    )


async def _all(tasks: Sequence[_Task], clock: Callable[[], float], seconds: float) -> list[Check]:
    return list(await asyncio.gather(*(_checked(task, clock, seconds) for task in tasks)))


async def _checked(task: _Task, clock: Callable[[], float], seconds: float) -> Check:
    began = clock()
    try:
        found = await _asked(task, seconds)
    except CallError as error:
        outcome = _outcome_of(error)
        check = Check(
            backend=task.facts.name,
            sdks=task.sdks,
            outcome=outcome,
            message=str(error).removeprefix(f"{task.facts.name} (models): "),
            hint=hint_for(outcome, error, task.facts, sdks=task.sdks, environ=task.environ, seconds=seconds),
        )
    else:
        check = _told(task, found)
    return replace(check, seconds=max(0.0, clock() - began))


def _outcome_of(error: CallError) -> Outcome:
    if isinstance(error, BadRequestError) and error.status is None:
        return "failed"  # it was never sent
    for kind, outcome in _OUTCOMES:
        if isinstance(error, kind):
            return outcome
    return "failed"


async def _asked(task: _Task, seconds: float) -> Found:
    from pipelex_like.setup.doctor.line import Line
    from pipelex_like.setup.doctor.listings import ask

    access = replace(task.access, connect_timeout=min(task.access.connect_timeout, seconds))
    # The ways out are told as hints, by what is known here.
    called = Called(
        backend=access.backend,
        model_id="models",
        secrets=access.secrets,
        ways_out={kind: "" for kind in (CallError, *CallError.__subclasses__())},
    )
    models = tuple(str(model.model_id) for model in task.models if not model.retired)
    line = Line(
        access=access, called=called, url=access.text("endpoint") or "", models=models, catalogue=task.catalogue
    )
    try:
        with translating(called):
            async with asyncio.timeout(seconds):
                return await ask(line)
    finally:
        await line.aclose()


def _told(task: _Task, found: Found) -> Check:
    outcome, said = _SAID[found.key]
    message = f"{said} ({found.note})" if found.note else said
    check = Check(backend=task.facts.name, sdks=task.sdks, outcome=outcome, message=message)
    if found.ids is None:
        return check
    if not found.ids:
        return replace(check, message=f"{message}; its list of models is empty", offered=0, unlisted=0)
    offer = compared(found.ids, task.models)
    hint = ""
    if offer.gone:
        hint = "Name another model in its place, or write retired = true in its table; a list may also lack a model."
    return replace(check, offered=len(found.ids), unlisted=offer.unlisted, gone=offer.gone, hint=hint)


def _judged(choice: Choice, checks: Sequence[Check]) -> Choice:
    options = tuple(_option(option, checks) for option in choice.candidates)
    return replace(choice, candidates=options)


def _option(option: Option, checks: Sequence[Check]) -> Option:
    own = next((check for check in checks if check.backend == option.backend and option.sdk in check.sdks), None)
    if own is None or option.why_not:
        return option
    if own.failed:
        return replace(option, why_not=own.message)
    if option.handle in own.gone:
        return replace(option, why_not=f"{option.backend} offers it no longer")
    return option
