"""Find the directory that holds the configuration, and the project that it belongs to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

HOLDER = ".pipelex"
FOLDER = "inference"
KIT_NAME = "pipelex_like/data/inference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the configuration stands.

    Relative paths in TOML files and `.env` start at `root`, the project's folder. `chosen_by` says in words what
    chose the directory. `cwd` only matters for how paths are shown; None = `root`.
    """

    directory: Path
    root: Path
    chosen_by: str
    cwd: Path | None = None


def find_directory(config_dir: str | Path | None, environ: Mapping[str, str], cwd: Path, kit: Path) -> Place:
    """Choose the configuration directory: `config_dir`, else PIPELEX_CONFIG_DIR of `environ`, else the nearest
    `.pipelex/inference` from `cwd` upward, else `~/.pipelex/inference`, else the packaged kit.

    A named directory may also be the project's folder or the `.pipelex` in it. Raises ConfigError if it does not
    exist.
    """
    cwd = tidy(cwd)
    home = home_of(environ)
    for named, chooser in ((config_dir, "config_dir"), (environ.get("PIPELEX_CONFIG_DIR"), "PIPELEX_CONFIG_DIR")):
        if named is not None and str(named).strip():
            directory = inference_in(_existing(tidy(cwd / expand(str(named).strip(), home)), str(named), chooser))
            return _place(directory, f"named by {chooser}", cwd=cwd, home=home, kit=kit)
    for folder in (cwd, *cwd.parents):
        if is_folder(folder / HOLDER / FOLDER):
            words = f"the nearest {HOLDER}/{FOLDER} from the working directory upward"
            return _place(folder / HOLDER / FOLDER, words, cwd=cwd, home=home, kit=kit)
    if home is not None and is_folder(home / HOLDER / FOLDER):
        words = f"~/{HOLDER}/{FOLDER}, as there is no {HOLDER}/{FOLDER} from the working directory upward"
        return Place(directory=home / HOLDER / FOLDER, root=cwd, chosen_by=words, cwd=cwd)
    words = f"the packaged kit, as there is no {HOLDER}/{FOLDER} here, upward, or in the home folder"
    return Place(directory=kit, root=cwd, chosen_by=words, cwd=cwd)


def show_path(path: Path, place: Place, kit: Path) -> str:
    """Name a file for people: by its place in the kit, else relative to the project's folder or to the working
    directory if inside, else in full."""
    if path.is_relative_to(kit):
        return f"{KIT_NAME}/{path.relative_to(kit).as_posix()}".removesuffix("/.")
    for base in (place.root, place.cwd or place.root):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return str(path)


def inference_in(folder: Path) -> Path:
    """Give the configuration directory that is meant by `folder`: itself, or one inside a project or `.pipelex`."""
    if is_file(folder / "backends.toml") or is_file(folder / "routing_profiles.toml"):
        return folder
    if is_folder(folder / HOLDER / FOLDER):
        return folder / HOLDER / FOLDER
    return folder / FOLDER if is_file(folder / FOLDER / "backends.toml") else folder


def holder_root(directory: Path) -> Path | None:
    """Give the folder that holds the `.pipelex` which `directory` is in, if any."""
    for folder in (directory, *directory.parents):
        if folder.name == HOLDER:
            return folder.parent
    return None


def home_of(variables: Mapping[str, str]) -> Path | None:
    """Give the home folder that the variables name."""
    named = variables.get("HOME", "").strip() or variables.get("USERPROFILE", "").strip()
    return Path(named) if named else None


def expand(text: str, home: Path | None) -> Path:
    """Make a path of `text`, with a leading `~` as the home folder."""
    if home is not None and (text == "~" or text.startswith("~/")):
        return home / text[2:]
    return Path(text)


def tidy(path: Path) -> Path:
    """Take `.` and `..` out of a path without following links."""
    return Path(os.path.normpath(path))


def is_folder(path: Path) -> bool:
    """Whether a folder stands there; a path that cannot be looked at counts as none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """Whether an ordinary file stands there; a path that cannot be looked at counts as none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _existing(path: Path, named: str, chooser: str) -> Path:
    if is_folder(path):
        return path
    if is_file(path):
        code, message = "not-a-folder", "this is a file; name the folder that holds backends.toml"
    else:
        code, message = "directory-not-found", f"there is no such folder (looked for {path})"
    problem = Problem(severity="error", code=code, file=named, message=f"named by {chooser}: {message}")
    raise ConfigError([problem])


def _place(directory: Path, chosen_by: str, *, cwd: Path, home: Path | None, kit: Path) -> Place:
    root = None if directory.is_relative_to(kit) else holder_root(directory)
    if root is None or root == home:
        root = cwd
    return Place(directory=directory, root=root, chosen_by=chosen_by, cwd=cwd)
