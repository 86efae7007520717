"""The first call after `init`: to the provider whose key is there, else to the small model here or the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.cli.console import note, say
from pipelex_like.cli.init_talk import agreed, tell
from pipelex_like.cli.local import DEFAULT, cache_of
from pipelex_like.cli.plan import Plan, usable
from pipelex_like.cli.records import summary
from pipelex_like.cli.session import load, waiting
from pipelex_like.data import KIT
from pipelex_like.errors import CallError, ConfigError, PipelexLikeError
from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipelex_like.engine import View

PROMPT = "Greet somebody who has just set up their first model, in one short sentence."
_WAYS_OUT: Mapping[str, str] = FrozenDict(
    {
        "CredentialsError": "Look at the key: the right one goes into .env, but a variable of the environment comes "
        "before it.",
        "QuotaError": "The key is good; the account needs credit.",
        "UnreachableError": "Look at the network, a proxy, and the address that the message names.",
    }
)
_OWN = ("local", "sandbox", "ollama")


def first_call(directory: Path, profile: str | None, env_file: Path | None, *, yes: bool) -> tuple[bool, str | None]:
    """Make the call and tell of it; give False where it failed, and the profile that stood in where no key was there.

    `yes`: a call that costs something needs no asking.
    """
    say("")
    with load(directory, profile, env_file) as ai:
        plan = _planned(ai, yes=yes)
        if plan.profile is not None and plan.profile not in ai.profiles:
            with load(KIT, plan.profile, env_file) as kit:
                return _call(kit, plan, None), None
        return _call(ai.using(profile=plan.profile) if plan.profile else ai, plan, ai), plan.profile


def _planned(ai: View, *, yes: bool) -> Plan:
    reference = _reference(ai)
    backend = usable(ai, reference, "llm") if reference else None
    if backend is not None and backend not in _OWN:
        model = ai.router.resolve(reference, kind="llm").candidates[0].handle
        whom = f"{backend}, by the default choice for texts ({reference})"
        question = f"A first call now? A sentence from {whom}; it costs as little as a sentence does with {model}."
        if yes:
            return Plan(None, f"A first call to {whom}:")
        tell(question)
        if agreed("Call", default=True):
            return Plan(None, f"A first call to {whom}:")
        return _stand_in(ai, "No provider is asked, as you wish")
    if backend == "sandbox":
        return Plan(None, "A first call under the sandbox, which makes its answers up:")
    if backend == "local" and not _is_here(ai):
        return _stand_in(ai, "The small model is not on this machine yet (`pipelex-like local pull` fetches it)")
    if backend is not None:
        return Plan(None, f"A first call on this machine ({backend}), no provider is asked:")
    return _stand_in(ai, "No key of a provider that answers with text is there")


def _stand_in(ai: View, why: str) -> Plan:
    if "local" in ai.profiles and _is_here(ai):
        view = ai.using(profile="local")
        if usable(view, _reference(view), "llm") is not None:
            return Plan("local", f"{why}: a first call to the small model on this machine (profile local):")
    return Plan("sandbox", f"{why}: a first call to the sandbox (profile sandbox), which makes its answer up:")


def _is_here(ai: View) -> bool:
    from pipelex_like.workers.local import weights

    return weights.file_of(DEFAULT, cache_of(ai)) is not None


def _reference(ai: View) -> str:
    choice = ai.bound.deck.choices.get(("llm", "for_text"))
    return choice.reference if choice else ""


def _call(view: View, plan: Plan, own: View | None) -> bool:
    say(plan.why)
    try:
        with waiting("waiting for the answer"):
            result = view.sync.generate_text(PROMPT, timeout=60)
    except ConfigError:
        raise
    except PipelexLikeError as error:
        note(f"  it failed: {type(error).__name__}: {error}", style="red")
        note(f"  {_way_out(error)} What was written stays; run `pipelex-like init` again when you like.")
        return False
    for line in result.text.strip().splitlines():
        say(f"  | {line}")
    say(f"  {summary(result)}")
    if own is None:
        say("  It ran on the packaged kit, since this directory has no such profile.")
    return True


def _way_out(error: PipelexLikeError) -> str:
    """Say what helps, by what the first candidate met with."""
    attempts = error.attempts if isinstance(error, CallError) else ()
    met = next((attempt.error.type for attempt in attempts if attempt.error is not None), type(error).__name__)
    return _WAYS_OUT.get(met, "`pipelex-like doctor --live` asks every provider and says what is wrong.")
