"""Follow `extends` from directory to directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.documents.find import expand, holder_root, home_of, inference_in, is_folder, tidy
from pipelex_like.documents.folder import list_folder
from pipelex_like.documents.locate import line_of
from pipelex_like.documents.read import Parsed, read_toml
from pipelex_like.errors import Problem, did_you_mean
from pipelex_like.types import is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelex_like.documents.find import Place
    from pipelex_like.documents.folder import Listing

KIT = "pipelex_like"


@dataclass(frozen=True, slots=True)
class Layer:
    """A directory, what stands in it, and its backends.toml, which had to be read to know what it extends."""

    directory: Path
    listing: Listing
    head: Parsed | Problem | None


@dataclass(frozen=True, slots=True)
class Chain:
    """The directories, the farthest first. `broken` names directories that were to be inherited and could not."""

    layers: tuple[Layer, ...]
    problems: tuple[Problem, ...]
    broken: tuple[str, ...] = ()


def follow_extends(
    place: Place,
    variables: Mapping[str, str],
    kit: Path,
    show: Callable[[Path], str],
    *,
    texts: Mapping[Path, str] | None = None,
) -> Chain:
    """Collect the directory of `place` and all that it inherits, until one stands alone or cannot be found.

    `texts` stand in place of what their files hold.
    """
    layers: list[Layer] = []
    seen: list[tuple[int, int] | Path] = []
    directory = place.directory
    root: Path | None = place.root
    while True:
        layer = _layer(directory, show, texts or {})
        layers.append(layer)
        seen.append(_identity(directory))
        wanted = layer.head.data.get("extends") if isinstance(layer.head, Parsed) else None
        if wanted is None or is_table(wanted) or not isinstance(layer.head, Parsed):
            return Chain(tuple(reversed(layers)), ())
        target = _target(wanted, directory, root=root, home=home_of(variables), kit=kit)
        if isinstance(target, Path) and _identity(target) in seen:
            target = _cycle(layers, target, show)
        if not isinstance(target, Path):
            problem = _problem(target, layer.head, show(directory / "backends.toml"))
            return Chain(tuple(reversed(layers)), (problem,), (str(wanted),))
        directory, root = target, holder_root(target)


def _layer(directory: Path, show: Callable[[Path], str], texts: Mapping[Path, str]) -> Layer:
    listing = list_folder(directory, show, texts)
    path = directory / "backends.toml"
    stands = any(entry.path == path for entry in listing.entries)
    return Layer(directory, listing, read_toml(path, show(path), texts) if stands else None)


@dataclass(frozen=True, slots=True)
class _Fault:
    code: str
    message: str
    hint: str = ""


def _target(wanted: object, directory: Path, *, root: Path | None, home: Path | None, kit: Path) -> Path | _Fault:
    """Find the directory that `extends` names: from the project's folder, or else from the file's own."""
    if not isinstance(wanted, str) or not wanted.strip():
        return _Fault("wrong-type", f'expected "{KIT}" or the path of a directory in quotes')
    if wanted == KIT:
        return kit
    if "${" in wanted:
        return _Fault("bad-extends", "a variable cannot choose what is inherited; write the path itself")
    path = expand(wanted.strip(), home)
    tried = [tidy(base / path) for base in (root, directory) if base is not None]
    for folder in tried:
        if is_folder(folder):
            return inference_in(folder)
    places = " and ".join(str(folder) for folder in dict.fromkeys(tried))
    hint = did_you_mean(wanted, [KIT]) or f'Write the path of a directory, or "{KIT}" for the packaged kit.'
    return _Fault("extends-not-found", f'there is no folder "{wanted}" to inherit from (looked for {places}).', hint)


def _cycle(layers: list[Layer], target: Path, show: Callable[[Path], str]) -> _Fault:
    names = [show(layer.directory) for layer in layers]
    start = next(at for at, layer in enumerate(layers) if _identity(layer.directory) == _identity(target))
    return _Fault("cycle", f"directories inherit from each other: {' -> '.join([*names[start:], names[start]])}")


def _identity(directory: Path) -> tuple[int, int] | Path:
    """What two paths to the same directory have in common."""
    try:
        found = directory.stat()
    except (OSError, ValueError):
        return directory
    return found.st_dev, found.st_ino


def _problem(fault: _Fault, head: Parsed, shown: str) -> Problem:
    return Problem(
        severity="error",
        code=fault.code,
        file=shown,
        key="extends",
        path=("extends",),
        line=line_of(head.text, ("extends",)),
        message=fault.message,
        hint=fault.hint,
    )
