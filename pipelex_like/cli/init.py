"""`init`: from nothing, or from what is there, to a configuration that answers its first call."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelex_like.cli import completion
from pipelex_like.cli import options as opt
from pipelex_like.cli.console import note, say
from pipelex_like.cli.failures import answering, refuse

if TYPE_CHECKING:
    from pipelex_like.setup.init.facts import Facts, Provider
    from pipelex_like.setup.init.plan import Plan, Step, Wish


@dataclass(slots=True)
class Tally:
    """What became of the plan: files written, and files that somebody edited and that stay as they are."""

    written: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """The options of the command."""

    yes: bool
    backends: str | None
    profile: str | None
    full: bool
    dry_run: bool
    call: bool
    config_dir: Path | None
    env_file: Path | None


Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; files that somebody edited stay as they are.")]
Backends = Annotated[
    str | None,
    typer.Option("--backends", metavar="NAME,...", help="Providers to use, and no other; none = without a provider."),
]
ProfileName = Annotated[
    str | None, typer.Option("--profile", help="Routing profile to put in force.", autocompletion=completion.profiles)
]
Full = Annotated[bool, typer.Option("--full", help="A whole commented copy of the packaged kit, which stands alone.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change, as a difference.")]
Call = Annotated[bool, typer.Option("--call/--no-call", help="End with a first call.")]
Folder = Annotated[
    Path | None,
    typer.Option("--dir", "--config-dir", help="Folder of the project; else the one that this stands in."),
]


def init(
    *,
    yes: Yes = False,
    backends: Backends = None,
    profile: ProfileName = None,
    full: Full = False,
    dry_run: DryRun = False,
    call: Call = True,
    config_dir: Folder = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Set up a configuration: keys, providers, a profile, and a first call. Run it again at any time.

    Exit code 1: something that was wanted could not be done, or the first call failed. What was written stays.

    Example: pipelex-like init --yes --backends openai,fal
    """
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        refuse("init asks questions, and there is no terminal to ask on: add --yes, and --backends and --profile")
    orders = Orders(
        yes=yes,
        backends=backends,
        profile=profile,
        full=full,
        dry_run=dry_run,
        call=call,
        config_dir=config_dir,
        env_file=env_file,
    )
    tally = Tally()
    try:
        with answering():
            good = _run(orders, tally)
    except (KeyboardInterrupt, EOFError):
        done = f"written by then: {', '.join(tally.written)}" if tally.written else "nothing was written"
        note(f"\nStopped; {done}.", style="yellow")
        raise typer.Exit(1) from None
    if not good:
        raise typer.Exit(1)


def _run(orders: Orders, tally: Tally) -> bool:
    from pipelex_like.setup.init.plan import plan

    facts, wish = _wished(orders)
    if not orders.yes:
        wish = _asked(facts, wish)
    planned = plan(facts, wish)
    if orders.dry_run:
        _show(facts, planned)
        return True
    _write(facts, wish, planned, tally, yes=orders.yes)
    good = _told(facts, wish, planned, tally, yes=orders.yes)
    stand_in = None
    if orders.call:
        from pipelex_like.cli.init_call import first_call

        in_force = wish.profile if not tally.left and not planned.undone else None
        answered, stand_in = first_call(facts.place.directory, in_force, orders.env_file, yes=orders.yes)
        good = answered and good
    _how_on(stand_in)
    return good


def _wished(orders: Orders) -> tuple[Facts, Wish]:
    from pipelex_like.cli.init_talk import split, tell, tell_keys
    from pipelex_like.setup.editing.edits import RefusedEditError
    from pipelex_like.setup.init.facts import gather
    from pipelex_like.setup.init.plan import Wish, chosen, known_profile

    facts = gather(orders.config_dir, os.environ, orders.env_file)
    try:
        wish = Wish(
            backends=None if orders.backends is None else chosen(facts, split(orders.backends)),
            profile=None if orders.profile is None else known_profile(facts, orders.profile),
            full=orders.full,
        )
    except RefusedEditError as error:
        refuse(str(error))
    state = "sets up" if facts.fresh else "looks after"
    tell(f"pipelex-like init {state} {facts.place.directory}")
    if facts.alone:
        _tell_alone(facts)
    if facts.hides_home:
        tell("It takes the place of ~/.pipelex/inference here, of which nothing is inherited.")
    tell_keys(facts)
    return facts, wish


def _tell_alone(facts: Facts) -> None:
    from pipelex_like.cli.init_talk import tell
    from pipelex_like.errors import ConfigError
    from pipelex_like.setup.migrate.pipelex import plan_pipelex

    tell("A whole configuration stands there already (Pipelex writes such): it inherits nothing, and is kept.")
    with suppress(ConfigError):
        migration = plan_pipelex(facts.place.directory, facts.environ)
        if migration.changed:
            tell(f"It is in {migration.found} and works so; `pipelex-like migrate` writes it in today's words.")


def _asked(facts: Facts, wish: Wish) -> Wish:
    from pipelex_like.cli import init_talk
    from pipelex_like.setup.init.wish import is_open

    backends = init_talk.ask_backends(facts) if wish.backends is None else wish.backends
    values: dict[str, str] = {}
    wish = replace(wish, backends=backends, values=values)
    for provider in facts.providers:
        chosen = provider.name in backends if backends is not None else provider.ready and not provider.off
        if chosen and (is_open(provider, wish) is False or _to_replace(facts, provider)):
            values |= init_talk.ask_keys(provider)
    if wish.profile is None:
        wish = _profile_asked(facts, wish, values)
    return replace(wish, choices=init_talk.ask_choices(facts))


def _to_replace(facts: Facts, provider: Provider) -> bool:
    """Whether a placeholder stands in the file of keys, where a key can take its place."""
    return any(key.placeholder and key.found == facts.env_path.name for key in provider.ways[0])


def _profile_asked(facts: Facts, wish: Wish, values: dict[str, str]) -> Wish:
    from pipelex_like.cli import init_talk
    from pipelex_like.setup.init.wish import is_open

    providers = {provider.name: provider for provider in facts.providers}
    while True:
        lacking = {
            name: providers[each.default]
            for name, each in facts.deck.deck.profiles.profiles.items()
            if each.default in providers and is_open(providers[each.default], wish) is False
        }
        name = init_talk.ask_profile(facts, lacking)
        if name == facts.active:
            return replace(wish, profile=name)
        provider = providers.get(facts.deck.deck.profiles.profiles[name].default or "")
        if name in lacking and provider is not None:
            init_talk.tell(f"{name} sends to {provider.name} what nothing else holds, so it needs its key.")
            values |= init_talk.ask_keys(provider)
            if not is_open(provider, wish):
                continue
        if provider is not None and wish.backends is not None:
            wish = replace(wish, backends=tuple(dict.fromkeys((*wish.backends, provider.name))))
        return replace(wish, profile=name)


def _show(facts: Facts, plan: Plan) -> None:
    for step in plan.steps:
        typer.echo(_difference(facts, step), nl=False)
    for line in (*plan.undone, *plan.notes):
        note(line, style="yellow")
    note("nothing was written (--dry-run)" if plan.steps else "nothing to change")


def _difference(facts: Facts, step: Step) -> str:
    from pipelex_like.setup.init.dotenv_file import shown_diff as shown_without_keys
    from pipelex_like.setup.migrate.migration import shown_diff

    if step.change.path == facts.env_path:
        return shown_without_keys(step.change, facts.show(facts.env_path))
    return shown_diff(step.change, facts.place.root)


def _write(facts: Facts, wish: Wish, plan: Plan, tally: Tally, *, yes: bool) -> None:
    """Write what may be written: what is new, what nobody edited, and what the user agrees to."""
    from pipelex_like.cli.init_talk import agreed, tell
    from pipelex_like.setup.init.plan import refuse_errors

    steps: list[Step] = []
    for step in plan.steps:
        shown = facts.show(step.change.path)
        if step.ask:
            tell()
            tell(f"{shown} was edited by hand. This would change in it:")
            typer.echo(_difference(facts, step), nl=False, err=True)
            if yes or not agreed("Write this?", default=False):
                tally.left.append(shown)
                continue
        steps.append(step)
    if tally.left:
        refuse_errors(facts, wish, steps)
    for step in steps:
        step.write()
        tally.written.append(facts.show(step.change.path))
        say(_line(facts, step))


def _line(facts: Facts, step: Step) -> str:
    shown = facts.show(step.change.path)
    verb = "written" if step.change.before is None else "changed"
    parts = [step.what] if step.what else []
    if step.tightened is not None:
        parts.append(f"others could read it ({step.tightened:o}), now only you can ({step.mode:o})")
    elif step.mode is not None:
        parts.append(f"only you can read it ({step.mode:o})")
    return f"{verb}  {shown}" + (f": {'; '.join(parts)}" if parts else "")


def _told(facts: Facts, wish: Wish, plan: Plan, tally: Tally, *, yes: bool) -> bool:
    """Tell what was not done; whether all that was wanted is done, or left on the user's own word."""
    from pipelex_like.setup.init.plan import lacking

    for shown in tally.left:
        why = "it was edited by hand, and --yes overwrites nothing" if yes else "as you wish"
        note(f"left as it is: {shown} ({why})", style="yellow")
    for provider in lacking(facts, wish):
        names = " and ".join(key.name for key in provider.ways[0] if not key.found and key.name not in wish.values)
        where = f" Get a key at {provider.key_url}." if provider.key_url else ""
        note(f"{provider.name} is off until {names} is set: put it into {facts.show(facts.env_path)}.{where}")
    for line in (*plan.undone, *plan.notes):
        note(line, style="yellow")
    named = facts.environ.get("PIPELEX_PROFILE", "").strip()
    if wish.profile and named and named != wish.profile:
        note(f"PIPELEX_PROFILE={named} is set, and stays in force before what the files say", style="yellow")
    if not tally.written and not tally.left:
        say("Everything stands as it should; nothing was changed.")
    return not plan.undone and not (yes and tally.left)


def _how_on(stand_in: str | None) -> None:
    say("\nFrom here")
    say('  pipelex-like text "Name three rivers"' + (f" --profile {stand_in}" if stand_in else ""))
    say("  pipelex-like backends            who is on, and which variable the others miss")
    say("  pipelex-like explain smart_llm   why a model goes where it goes")
