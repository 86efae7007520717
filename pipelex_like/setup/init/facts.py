"""What a set-up begins with: where the configuration stands or will stand, and which keys are there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.data import KIT
from pipelex_like.documents import Place, find_directory
from pipelex_like.documents.find import (
    FOLDER,
    HOLDER,
    expand,
    holder_root,
    home_of,
    inference_in,
    is_file,
    is_folder,
    show_path,
    tidy,
)
from pipelex_like.errors import ConfigError, Problem
from pipelex_like.setup.editing.changes import Change, read_exactly
from pipelex_like.setup.editing.desk import EXTENDING
from pipelex_like.setup.editing.outlook import Outlook, outlook
from pipelex_like.setup.init.dotenv_file import values_of
from pipelex_like.setup.init.keys import Key, ways_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Backend, BoundDeck
    from pipelex_like.types import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A backend as a set-up sees it. `ways` are the sets of keys that each suffice, the nearest to done first; a
    backend without any needs no key. `off` says that the files switch it off whatever is set."""

    name: str
    title: str
    kinds: tuple[Kind, ...]
    other_names: tuple[str, ...] = ()
    key_url: str = ""
    key_hint: str = ""
    ways: tuple[tuple[Key, ...], ...] = ()
    off: bool = False

    @property
    def begun(self) -> bool:
        """Whether a variable of it is set."""
        return any(key.found for way in self.ways for key in way)

    @property
    def ready(self) -> bool:
        """Whether one set of its keys is complete."""
        return any(all(key.found for key in way) for way in self.ways)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a set-up goes by. `fresh`: there is no configuration there yet; `alone`: the one that stands there
    inherits nothing. `texts` hold its files; they and `environ` may hold secrets."""

    place: Place
    fresh: bool
    alone: bool
    environ: Mapping[str, str] = field(repr=False)
    env_path: Path
    env_mode: int | None
    env_file: Path | None
    before: Outlook = field(repr=False)
    deck: BoundDeck = field(repr=False)
    providers: tuple[Provider, ...]
    texts: Mapping[Path, str] = field(repr=False)
    hides_home: bool = False

    def show(self, path: Path) -> str:
        """Name a file for people."""
        return show_path(path, self.place, KIT)

    @property
    def active(self) -> str:
        """The profile that the files put in force."""
        return self.before.loaded.deck.profiles.active or ""


def gather(config_dir: Path | None, environ: Mapping[str, str], env_file: Path | None = None) -> Facts:
    """Look at everything; nothing is written. Raises ConfigError where a configuration stands that does not load, or
    a name is no place for one."""
    place, hides_home = place_for(config_dir, environ, tidy(Path.cwd()))
    texts = _texts(place)
    head = Change(path=place.directory / "backends.toml", before=None, after=EXTENDING)
    drafts = () if texts else (head,)
    before = outlook(place, drafts, environ, env_file=env_file)
    if before.bound is None:
        raise ConfigError(before.problems)
    named = tidy(Path.cwd() / expand(str(env_file), home_of(environ))) if env_file else None
    env_path = named or place.root / ".env"
    found = _Places(environ, env_path, place.root, before.loaded.variables)
    bound = before.bound.deck
    return Facts(
        place=place,
        fresh=not texts,
        alone=bool(texts) and len(before.loaded.documents.layers) == 1,
        environ=environ,
        env_path=env_path,
        env_mode=env_path.stat().st_mode & 0o7777 if is_file(env_path) else None,
        env_file=env_file,
        before=before,
        deck=bound,
        providers=tuple(_provider(backend, bound, found) for backend in bound.backends.values()),
        texts=texts,
        hides_home=hides_home,
    )


def place_for(config_dir: Path | None, environ: Mapping[str, str], cwd: Path) -> tuple[Place, bool]:
    """Give the place to set up, and whether it takes the place of the one in the home folder.

    `config_dir`, else PIPELEX_CONFIG_DIR: the folder of a project, or a configuration directory in it; else the
    nearest `.pipelex/inference` upward, else one to be made in `cwd`. Raises ConfigError for a file.
    """
    home = home_of(environ)
    named = config_dir or environ.get("PIPELEX_CONFIG_DIR", "").strip()
    if named:
        directory, hides = _named(tidy(cwd / expand(str(named), home))), False
    else:
        found = find_directory(None, environ, cwd, KIT).directory
        own = not found.is_relative_to(KIT) and (home is None or found.parent.parent != home or cwd == home)
        directory, hides = (found, False) if own else (cwd / HOLDER / FOLDER, not found.is_relative_to(KIT))
    root = holder_root(directory)
    if root is None or root == home:
        root = cwd
    return Place(directory=directory, root=root, chosen_by="init", cwd=cwd), hides


def _named(path: Path) -> Path:
    if path.is_relative_to(KIT):
        raise _no_place(path, "packaged-kit", "this is the packaged kit, which goes with the next version.")
    if path.exists() and not is_folder(path):
        raise _no_place(path, "not-a-folder", "this is a file.")
    found = inference_in(path)
    if found != path or any(is_file(path / f"{name}.toml") for name in ("backends", "routing_profiles")):
        return found
    if path.name == FOLDER and path.parent.name == HOLDER:
        return path
    return path / FOLDER if path.name == HOLDER else path / HOLDER / FOLDER


def _no_place(path: Path, code: str, message: str) -> ConfigError:
    hint = "Name the folder of your project; the configuration is made in its .pipelex/inference."
    return ConfigError([Problem(severity="error", code=code, file=str(path), message=message, hint=hint)])


def _texts(place: Place) -> dict[Path, str]:
    """Read the TOML files of the directory."""
    files = [file for folder in ("", "backends", "deck") for file in sorted((place.directory / folder).glob("*.toml"))]
    return {file: read_exactly(file) or "" for file in files if is_file(file)}


class _Places:
    """Says where a variable is set: in the environment, which wins, or in which file."""

    def __init__(self, environ: Mapping[str, str], env_path: Path, root: Path, variables: Mapping[str, str]) -> None:
        self.environ, self.variables = environ, variables
        environment = variables.get("PIPELEX_ENV")
        files = [root / f".env.{environment}"] if environment else []
        self.files = {file.name: values_of(_text(file)) for file in (*files, env_path)}

    def of(self, name: str) -> str:
        """Give `the environment`, `.env` or the like; empty where it is not set."""
        if self.environ.get(name, "").strip():
            return "the environment"
        return next((file for file, values in self.files.items() if values.get(name, "").strip()), "")


def _text(path: Path) -> str:
    try:
        return read_exactly(path) or "" if is_file(path) else ""
    except ConfigError:
        return ""


def _provider(backend: Backend, deck: BoundDeck, found: _Places) -> Provider:
    spec = backend.spec
    settings = [deck.deck.sdks[sdk] for sdk in spec.sdks if sdk in deck.deck.sdks]
    return Provider(
        name=spec.name,
        title=spec.display_name or spec.name,
        kinds=backend.kinds,
        other_names=spec.other_names,
        key_url=spec.key_url or "",
        key_hint=spec.key_hint or "",
        ways=ways_of(spec, settings, found.of, found.variables),
        off=spec.enabled is False,
    )
