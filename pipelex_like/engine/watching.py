"""Look after the files of a configuration, in a thread, and have them read again when they have changed."""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.data import KIT
from pipelex_like.documents.find import expand, home_of, is_folder
from pipelex_like.errors import ConfigError, Problem
from pipelex_like.routing import secret_names

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from pathlib import Path
    from weakref import ReferenceType

    from pipelex_like.engine.core import Core
    from pipelex_like.engine.load import Loaded

SETTLE = 0.15
"""So many seconds must pass without a further change before the files are read."""
PATIENCE = 1.0
"""The same for a file that is gone, or that looks cut off: somebody may be about to write the rest."""
SWEEP = 1.0
"""How often files are looked at where no change was heard of: not every file system tells."""
RETRY = 10
"""After so many quiet looks, a configuration that could not be put in force is read once more: what was missing
(a variable, a folder that is to be inherited) may stand outside of what is watched."""

NEEDED = 'watching the configuration needs: pip install "pipelex-like[watch]"'
_STEP = 0.05

Mark = tuple[int, int, int, int]
Marks = dict["Path", Mark | None]


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a configuration stands: folders whose TOML files belong to it, and single files; not all need exist."""

    folders: frozenset[Path]
    files: frozenset[Path]

    def __or__(self, other: Ground) -> Ground:
        return Ground(self.folders | other.folders, self.files | other.files)


def ground_of(loaded: Loaded) -> Ground:
    """Give what reading this configuration again would read.

    The packaged kit is left out: it changes together with the program, which does not change while it runs.
    """
    place, variables = loaded.place, loaded.variables
    layers = [layer for layer in {place.directory, *loaded.documents.layers} if not layer.is_relative_to(KIT)]
    folders = {folder for layer in layers for folder in (layer, layer / "backends", layer / "deck")}
    named = loaded.source.env_file
    base = place.root / ".env" if named is None else (place.cwd or place.root) / expand(str(named), home_of(variables))
    files = {base}
    if environment := variables.get("PIPELEX_ENV"):
        files.add(place.root / f".env.{environment}")
    if secrets := variables.get("PIPELEX_SECRETS_DIR"):
        folder = place.root / expand(secrets, home_of(variables))
        files |= {folder / name for name in secret_names(loaded.deck)}
    return Ground(frozenset(folders), frozenset(files))


def look(ground: Ground) -> Marks:
    """Give what tells one version of each file from the next, None for a file that is not there; links are followed."""
    paths = set(ground.files)
    for folder in ground.folders:
        with suppress(OSError):
            paths.update(path for path in folder.iterdir() if path.suffix == ".toml" and path.name[0] != ".")
    return {path: _mark(path) for path in paths}


def _mark(path: Path) -> Mark | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def spots(ground: Ground) -> Mapping[Path, tuple[int, int]]:
    """Give the folders to listen in, with their identities: what stands at a path may be replaced by another folder.

    Where a link is on the way, that is the folder of the link and the one it leads to; where nothing stands, the
    nearest folder above.
    """
    listening: set[Path] = set()
    for path in (*ground.folders, *look(ground)):
        ways = (path, *path.parents)
        listening.update(part.parent for part in ways if _is_link(part))
        above = next((part for part in ways if is_folder(part)), None)
        if above is not None:
            listening.add(above)
        if _is_link(path):
            with suppress(OSError, RuntimeError):
                listening.add(path.resolve().parent)
    return {folder: identity for folder in listening if (identity := _identity(folder)) is not None}


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except (OSError, ValueError):
        return False


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def may_be_cut(old: bytes | None, new: bytes | None) -> bool:
    """Whether a file looks as if somebody were about to write the rest of it."""
    if new is None:
        return old is not None
    if old is None:
        return not new.endswith(b"\n")
    return (old.startswith(new) and old != new) or (old.endswith(b"\n") and not new.endswith(b"\n"))


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() else None
    except (OSError, ValueError):
        return None


class Watching:
    """The thread that watches, one in each process that asked for it; a forked child has none until it asks."""

    def __init__(self) -> None:
        self._watches: dict[int, Watch] = {}

    @property
    def running(self) -> bool:
        """Whether this process watches."""
        return os.getpid() in self._watches

    def start(self, core: ReferenceType[Core], loaded: Loaded) -> None:
        """Watch, if this process does not yet. Raises ConfigError with the way out where watchfiles is missing."""
        try:
            import watchfiles  # noqa: F401 # pyright: ignore[reportUnusedImport]
        except ImportError as error:
            file = str(loaded.place.directory)
            problem = Problem(severity="error", code="needs-extra", file=file, message=NEEDED)
            raise ConfigError([problem]) from error
        if not self.running:
            watch = self._watches[os.getpid()] = Watch(core, loaded)
            watch.start()

    def close(self, *, wait: bool = True) -> None:
        """End the thread of this process."""
        watch = self._watches.pop(os.getpid(), None)
        if watch is not None:
            watch.close(wait=wait)


class Watch:
    """One watching thread. It does not keep the engine alive that it works for."""

    def __init__(self, core: ReferenceType[Core], loaded: Loaded) -> None:
        self._core = core
        self._pid = os.getpid()
        self._stop = threading.Event()
        self._ground = ground_of(loaded)
        # What was read at the load may be old already: with no marks, the first look reads again.
        self._marks: Marks | None = None
        self._texts: dict[Path, bytes | None] = {path: _read(path) for path in look(self._ground)}
        self._waited = 0
        self._told = ""
        self._thread = threading.Thread(target=self._run, name="pipelex_like_watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        # A thread that is in foreign code while the interpreter is taken down can take the process with it.
        atexit.register(self.close)
        self._thread.start()

    def close(self, *, wait: bool = True) -> None:
        """End the thread; in a forked child, nothing is there to be ended."""
        if os.getpid() != self._pid:
            return
        self._stop.set()
        if wait and self._thread is not threading.current_thread() and self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._watch()
        finally:
            atexit.unregister(self.close)

    def _watch(self) -> None:
        while not self._stop.is_set():
            listening = spots(self._ground)
            with closing(self._wake_ups(listening)) as wake_ups:
                for quiet in wake_ups:
                    if not self._turn(quiet=quiet):
                        return
                    if spots(self._ground) != listening:
                        break

    def _wake_ups(self, listening: Iterable[Path]) -> Generator[bool]:
        """Yield now, at each change heard of, and (True) when none was heard of for a while."""
        from watchfiles import watch

        yield False
        try:
            changes = watch(
                *listening,
                watch_filter=None,
                debounce=int(SETTLE * 1000),
                step=int(_STEP * 1000),
                stop_event=self._stop,
                rust_timeout=int(SWEEP * 1000),
                yield_on_timeout=True,
                debug=False,
                raise_interrupt=False,
                recursive=False,
                ignore_permission_denied=True,
            )
            with closing(changes):
                for heard in changes:
                    yield not heard
        except (OSError, RuntimeError):
            # A folder went just now, or the system has no watches left to give: looking from time to time will do.
            self._stop.wait(SWEEP)

    def _turn(self, *, quiet: bool) -> bool:
        """Look, and read again if there is reason to; False where nobody is left to read for."""
        core = self._core()
        if core is None:
            return False
        if self._stop.is_set():
            return True
        try:
            self._waited = self._waited + quiet if core.reload_problems else 0
            if self._waited >= RETRY or look(self._ground) != self._marks:
                self._waited = 0
                self._renew(core)
        except Exception as error:  # whatever goes wrong in reading: the old deck serves, and the watch goes on
            self._say(f"{type(error).__name__}: {error}")
        return True

    def _renew(self, core: Core) -> None:
        settled = self._settled()
        if settled is None:
            return
        self._marks = settled
        loaded = core.renew(lambda: look(self._ground) == settled)
        if loaded is None:
            self._marks = None
            return
        problems = core.reload_problems
        if problems:
            self._say("\n".join(map(str, problems)))
            ground = ground_of(core.state.loaded) | ground_of(loaded)
        else:
            self._told = ""
            ground = ground_of(loaded)
            self._texts = {path: _read(path) for path in settled}
        if ground != self._ground:
            # More files count than were looked at; the next look reads once more if one of them is there.
            self._ground = ground
            self._marks = {path: settled.get(path) for path in look(ground)}

    def _settled(self) -> Marks | None:
        """Wait until the files are left alone; None if the watch was ended over it."""
        marks, quiet = look(self._ground), 0.0
        while not self._stop.wait(_STEP):
            seen = look(self._ground)
            quiet = quiet + _STEP if seen == marks else 0.0
            marks = seen
            if quiet >= PATIENCE or (quiet >= SETTLE and not self._is_cut(marks)):
                return marks
        return None

    def _is_cut(self, marks: Marks) -> bool:
        return any(may_be_cut(self._texts.get(path), _read(path)) for path in {*marks, *self._texts})

    def _say(self, what: str) -> None:
        if what == self._told:
            return
        self._told = what
        from logging import getLogger

        message = "the configuration has changed and cannot be put in force; the one from before goes on serving:\n%s"
        getLogger("pipelex_like").error(message, what)
