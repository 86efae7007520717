"""What `doctor` prints: `+` good, `!` worth a look, `x` wrong, `-` neither."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipelex_like.cli.console import out
from pipelex_like.setup.doctor.facts import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelex_like.setup.doctor.facts import BackendFacts, Check, Choice, Extra, Outcome, Report, Variable

Mark = Literal["+", "!", "x", "-", " "]
STYLES: Mapping[Mark, str] = {"+": "green", "!": "yellow", "x": "red", "-": "dim", " ": ""}
_MOST_GONE = 6
_OUTCOMES: Mapping[Outcome, Mark] = {"accepted": "+", "open": "+", "skipped": "-"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line; `depth` counts the steps that it stands in."""

    text: str
    mark: Mark = " "
    depth: int = 1


def show(report: Report) -> None:
    """Print the report, folded to the width of a terminal; in a pipe each fact is on one line."""
    console = out()
    for line in lines_of(report):
        if not line.depth:
            console.print("" if line.text.startswith("pipelex-like") else "\n", end="")
            console.print(printable(line.text), style="bold" if line.mark == " " else STYLES[line.mark], markup=False)
            continue
        start = f"{'  ' * (line.depth - 1)}{line.mark} "
        folded = textwrap.fill(
            printable(line.text),
            width=max(40, console.width),
            initial_indent=start,
            subsequent_indent=" " * (len(start) + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
        console.print(folded, style=STYLES[line.mark], markup=False)


def lines_of(report: Report) -> Iterator[Line]:
    """Give all lines."""
    yield Line(f"pipelex-like {report.version} on Python {report.python}", depth=0)
    yield from _extras(report.extras)
    yield from _configuration(report)
    yield from _variables(report)
    if report.backends:
        yield Line("Backends", depth=0)
        for backend in report.backends:
            yield from _backend(backend)
    if report.checks is not None:
        yield from _live(report)
    if report.choices:
        yield Line("Default choices", depth=0)
        for choice in report.choices:
            yield from _choice(choice)
    if report.problems:
        yield Line("What loading says", depth=0)
        marks: dict[str, Mark] = {"error": "x", "warning": "!", "note": "-"}
        for problem in report.problems:
            yield Line(f"{problem} [{problem.code}]", marks[problem.severity])
    yield from _verdict(report)


def _extras(extras: tuple[Extra, ...]) -> Iterator[Line]:
    for extra in extras:
        held = ", ".join(f"{package.name} {package.installed}" for package in extra.packages if package.installed)
        lacking = [package for package in extra.packages if package.state != "ok"]
        users = f", for {', '.join(extra.backends)}" if extra.backends else ""
        if not lacking:
            yield Line(f"[{extra.name}] {held}{users}", "+" if extra.backends else "-")
            continue
        named = ", ".join(
            f"{package.name} is missing"
            if package.installed is None
            else f"{package.name} {package.installed} is older than {package.needed}"
            for package in lacking
        )
        yield Line(f"[{extra.name}] {named}{users}: {extra.install}", "x" if extra.backends else "-")


def _configuration(report: Report) -> Iterator[Line]:
    found = report.configuration
    yield Line("Configuration", depth=0)
    if found is None:
        yield Line("there is none to read", "x")
        return
    yield Line(f"directory: {found.directory} ({found.chosen_by})", "+")
    if len(found.layers) > 1:
        yield Line(f"extends: {' <- '.join(found.layers)}", "+")
    elif not found.directory.startswith("pipelex_like/data"):
        yield Line("it stands alone: it extends no other directory", "-")
    yield Line(f"{found.files} TOML files; relative paths and .env start at {found.root}", "-")
    for file in found.env_files:
        said = f"sets {_count(file.variables, 'variable')}" if file.found else "is not there"
        yield Line(f"{file.file} {said}", "+" if file.found else "-")
    if found.environment:
        files = f": {', '.join(found.environment_files)}" if found.environment_files else ", which has no files"
        yield Line(f"environment: {found.environment} (PIPELEX_ENV){files}", "+")
    if found.profile is None:
        yield Line("no profile is in force", "!")
    else:
        yield Line(f"profile: {found.profile}, chosen by {found.profile_from}", "+")


def _variables(report: Report) -> Iterator[Line]:
    if report.configuration is None:
        return
    yield Line("Variables", depth=0)
    if not report.variables:
        yield Line("none that this configuration reads is set, neither in the environment nor in .env", "!")
    for variable in report.variables:
        yield from _variable(variable)
    grouped: dict[str, list[str]] = {}
    for unread in report.unread:
        grouped.setdefault(unread.instead, []).append(unread.name)
    for instead, names in grouped.items():
        yield Line(f"{', '.join(names)}: no effect here; {instead}", "-")


def _variable(variable: Variable) -> Iterator[Line]:
    mark: Mark = "!" if variable.remarks else "+" if variable.has_effect else "-"
    size = _count(variable.length, "character")
    place = "environment" if variable.where == "environment" else variable.where
    yield Line(f"{variable.name} ({place}, {size})", mark)
    for said in variable.does:
        yield Line(said, depth=2)
    for remark in variable.remarks:
        yield Line(remark, "!", depth=2)


def _backend(backend: BackendFacts) -> Iterator[Line]:
    if backend.state == "off":
        yield Line(f"{backend.name}: off, {backend.reason}", "-")
        return
    where = f" at {backend.address}" if backend.address else ""
    kinds = f" ({', '.join(backend.kinds)})" if backend.kinds else ""
    served = f"; {_count(backend.models, 'model')}{kinds}{where}" if backend.models else where
    named = f"; only for what names it ({backend.name}/...)" if backend.only_when_named else ""
    broken = backend.state == "broken" or bool(backend.install)
    yield Line(f"{backend.name}: {backend.state}, {backend.reason}{served}{named}", "x" if broken else "+")
    if backend.install:
        yield Line(f"its SDK is missing: {backend.install}", "x", depth=2)
    held = {"proxy": backend.proxy, "ca_file": backend.ca_file, "via": backend.via}
    for name, value in held.items():
        if value is not None:
            yield Line(f"{name}: {value}", depth=2)
    doubtful = {key.name: key.where for way in backend.ways for key in way if key.placeholder}
    where = f" Get a key at {backend.key_url}." if backend.key_url else ""
    for name, place in doubtful.items():
        yield Line(f"{name} ({place}) looks like a placeholder: calls will be refused.{where}", "!", depth=2)
    for remark in backend.remarks:
        yield Line(remark, "!", depth=2)


def _live(report: Report) -> Iterator[Line]:
    yield Line("Asked live", depth=0)
    if not report.checks:
        yield Line("there was nobody to ask", "-")
    aside = {backend.name for backend in report.backends if backend.only_when_named} - {*report.wanted}
    for check in report.checks or ():
        yield from _check(check, aside=check.backend in aside)


def _check(check: Check, *, aside: bool) -> Iterator[Line]:
    """A server that serves only what names it may well be off: that is no fault."""
    failing: Mark = "!" if aside else "x"
    mark = failing if check.failed else _OUTCOMES.get(check.outcome, "!")
    took = "" if check.outcome == "skipped" else f" ({check.seconds:.1f} s)"
    offers = "" if not check.offered else f"; {_count(check.offered, 'model')} offered, {check.unlisted} without a spec"
    word = "" if check.outcome in ("accepted", "open", "skipped") else f"{_WORDS[check.outcome]}: "
    yield Line(f"{check.backend}: {word}{check.message.rstrip('.')}{offers}{took}", mark)
    if check.gone:
        more = f" and {len(check.gone) - _MOST_GONE} more" if len(check.gone) > _MOST_GONE else ""
        yield Line(f"not offered any longer: {', '.join(check.gone[:_MOST_GONE])}{more}", "!", depth=2)
    if check.hint:
        yield Line(check.hint, depth=2)


_WORDS: Mapping[Outcome, str] = {
    "unclear": "reached, but nothing is known of the key",
    "denied": "the key may not ask this",
    "rate_limited": "rate limited",
    "refused": "the key is refused",
    "quota": "credit or quota is used up",
    "unreachable": "no way there",
    "late": "too slow",
    "failed": "failed",
}


def _choice(choice: Choice) -> Iterator[Line]:
    if choice.reference is None:
        yield Line(f"{choice.name}: the deck declares none", "-")
        return
    served = choice.served_by
    if served is None:
        yield Line(f"{choice.name}: {choice.reference} is served by nobody", "x")
        if choice.advice:
            yield Line(choice.advice, depth=2)
    else:
        yield Line(f"{choice.name}: {choice.reference} goes to {served.handle} at {served.backend}", "+")
    for option in choice.candidates:
        if option.why_not and option is not served:
            yield Line(f"{option.handle} at {option.backend}: {option.why_not}", "!" if served else "x", depth=2)
        if option is served:
            return


def _verdict(report: Report) -> Iterator[Line]:
    found = report.configuration
    if found is None:
        yield Line("Not good: there is no configuration to read.", "x", depth=0)
    elif not found.loads:
        yield Line("Not good: the configuration does not load.", "x", depth=0)
    elif not report.ok:
        lost = [choice.name for choice in report.choices if not choice.good]
        lost += [f"{check.backend} (asked live)" for check in report.failed_by_name]
        yield Line(f"Not good: {', '.join(lost)}.", "x", depth=0)
    else:
        profile = f'the profile "{found.profile}"' if found.profile else "this configuration"
        yield Line(f"Good: {profile} can serve all default choices.", "+", depth=0)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
