"""The conversation of `init`: what is asked on a terminal. A key is never shown, not even its length."""

from __future__ import annotations

import sys
import warnings
from getpass import GetPassWarning, getpass
from shutil import get_terminal_size
from textwrap import fill
from typing import TYPE_CHECKING

import typer

from pipelex_like.cli.failures import refuse
from pipelex_like.errors import did_you_mean
from pipelex_like.setup.editing.edits import RefusedEditError
from pipelex_like.setup.init.keys import fault_of_key
from pipelex_like.setup.init.plan import chosen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelex_like.setup.init.facts import Facts, Provider

_WIDEST = 100
_TEXTS = ("text", "object")

QUESTIONS: tuple[tuple[str, tuple[tuple[Mapping[str, str], str], ...]], ...] = (
    (
        "For texts and typed objects, unless a call names a model:",
        (
            (
                {"text": "cheap_llm_for_text", "object": "cheap_llm_for_object"},
                "the cheapest model that does easy work well",
            ),
            (dict.fromkeys(_TEXTS, "balanced_llm"), "careful work in quantity, at a middle price"),
            (dict.fromkeys(_TEXTS, "smart_llm"), "what is hard, whatever it costs"),
        ),
    ),
    (
        "For documents:",
        (
            (
                {"extract": "extract_text_from_visuals"},
                "any of them, scans too: Mistral OCR where there is a key, else tesseract on this machine",
            ),
            ({"extract": "extract_text_from_pdf"}, "the text that PDF files carry, on this machine: quick and free"),
        ),
    ),
    (
        "For pictures:",
        (
            ({"image": "gen_image_basic"}, "good ones"),
            ({"image": "gen_image_fast"}, "quick, cheap drafts"),
            ({"image": "gen_image_high_quality"}, "the best there are"),
        ),
    ),
)
"""The default choices in plain words, the packaged ones first."""


def tell(text: str = "", *, indent: int = 0) -> None:
    """Say something beside the answer, folded at words to the terminal's width; addresses stay in one piece."""
    width = max(20, min(get_terminal_size().columns, _WIDEST))
    lead = " " * indent
    folded = fill(
        text,
        width,
        initial_indent=lead,
        subsequent_indent=f"{lead}   " if lead else lead,
        break_long_words=False,
        break_on_hyphens=False,
    )
    typer.echo(folded, err=True)


def ask(prompt: str, default: str = "") -> str:
    """Read a line. Raises EOFError at the end of input."""
    typer.echo(f"{prompt}{f' [{default}]' if default else ''}: ", nl=False, err=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip() or default


def agreed(question: str, *, default: bool) -> bool:
    """Ask for yes or no."""
    while True:
        answer = ask(f"{question} [{'Y/n' if default else 'y/N'}]").lower()
        if answer in ("", "y", "yes", "n", "no"):
            return default if not answer else answer.startswith("y")
        tell("Please answer y or n.")


def tell_keys(facts: Facts) -> None:
    """Say which keys are there and where, never what they are."""
    begun = [provider for provider in facts.providers if provider.begun]
    if not begun:
        tell(f"No key of a provider is set, neither in the environment nor in {facts.show(facts.env_path)}.")
        return
    tell("Keys that are there:")
    for provider in begun:
        way = provider.ways[0]
        found = ", ".join(f"{key.name} in {key.found}" for key in way if key.found)
        lack = [key.name for key in way if not key.found]
        rest = f"; {' and '.join(lack)} still to come" if lack else ""
        odd = "; it looks like a placeholder" if any(key.placeholder for key in way) else ""
        off = "; switched off in this directory" if provider.off else ""
        tell(f"{provider.name}: {found}{rest}{odd}{off}", indent=2)


def ask_backends(facts: Facts) -> tuple[str, ...] | None:
    """Ask whom to use; None = whoever has a key."""
    ready = [provider.name for provider in facts.providers if provider.ready and not provider.off]
    tell()
    tell(f"Providers: {', '.join(provider.name for provider in facts.providers if provider.ways)}.")
    tell("Which of them do you want to use? Names with commas; a key that is not there yet is asked for.")
    while True:
        default = ", ".join(ready) or "none"
        answer = ask("Providers", default)
        if answer == default:
            return None
        try:
            return chosen(facts, split(answer))
        except RefusedEditError as error:
            tell(str(error))


def split(text: str) -> list[str]:
    """Give the names in a list with commas; `none` is the empty one."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    return [] if names == ["none"] else names


def ask_keys(provider: Provider) -> dict[str, str]:
    """Ask for what a provider lacks, secrets without echo; nothing where it was passed over."""
    way = provider.ways[0]
    tell()
    where = f" Get a key at {provider.key_url}." if provider.key_url else ""
    tell(f"{provider.title}:{where}" if where else f"{provider.title}:")
    if provider.key_hint:
        tell(f"It looks like this: {provider.key_hint}.")
    if len(provider.ways) > 1 and not provider.begun:
        options = [" and ".join(key.name for key in each) for each in provider.ways]
        tell("One of these is enough:")
        way = provider.ways[pick(options, options[0])]
    values: dict[str, str] = {}
    for key in way:
        if key.found and not key.placeholder:
            continue
        value = _ask_key(key.name, secret=key.secret)
        if not value:
            tell(f"Passed over: {provider.name} stays off until {key.name} is set.")
            return values
        values[key.name] = value
    return values


def _ask_key(name: str, *, secret: bool) -> str:
    hidden = "nothing shows while you type; Enter passes it over" if secret else "Enter passes it over"
    while True:
        text = _unseen(f"{name} ({hidden}): ") if secret else ask(f"{name} ({hidden})")
        text = text.strip(" ")
        fault = fault_of_key(text, secret=secret)
        if not fault:
            return text
        tell(f"Sorry, {fault}. Please try again.")


def _unseen(prompt: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)
        try:
            return getpass(prompt)
        except GetPassWarning:
            refuse("this terminal cannot hide what is typed: put the key into .env by hand, then run this again")


def ask_profile(facts: Facts, lacking: Mapping[str, Provider]) -> str:
    """Ask which profile shall be in force. `lacking`: the provider without a key that a profile cannot do without."""
    profiles = facts.deck.deck.profiles.profiles
    tell()
    tell("Who shall serve which model?")
    options = [
        f"{name}: {profile.description}" + (f" (needs a key of {lacking[name].name})" if name in lacking else "")
        for name, profile in profiles.items()
    ]
    names = list(profiles)
    return names[pick(options, facts.active or names[0], names=names)]


def ask_choices(facts: Facts) -> dict[str, str]:
    """Ask for the default choices, each question where the deck knows more than one of its answers."""
    deck = facts.deck.deck
    known = {name for _, name in deck.aliases} | {name for _, name in deck.presets}
    now = {choice.reference for choice in deck.choices.values()}
    wanted: dict[str, str] = {}
    for title, answers in QUESTIONS:
        possible = [(values, words) for values, words in answers if known.issuperset(values.values())]
        at = next((at for at, (values, _) in enumerate(possible) if now.issuperset(values.values())), None)
        if len(possible) < 2 or at is None:
            continue
        tell()
        tell(title)
        wanted |= possible[pick([words for _, words in possible], str(at + 1))][0]
    return wanted


def pick(options: Sequence[str], default: str, *, names: Sequence[str] = ()) -> int:
    """Ask for one of the options by its number or name; give its place."""
    for number, option in enumerate(options, start=1):
        tell(f"{number}  {option}", indent=2)
    while True:
        answer = ask("Number or name" if names else "Number", default if names or default.isdecimal() else "1")
        if answer in names:
            return names.index(answer)
        if answer.isdecimal() and 1 <= int(answer) <= len(options):
            return int(answer) - 1
        tell(f"Please answer with a number from 1 to {len(options)}. {did_you_mean(answer, names)}".strip())
