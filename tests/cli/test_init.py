"""`init` on a terminal: what it asks, writes, shows, and what it never shows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pexpect
import pytest

from pipelex_like.sandbox import Sandbox

SECRET = "sk-live-0123456789abcdefghij"
DOWN = "http://127.0.0.1:9/v1"


def environment(folder: Path, **variables: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder.parent / "home"), "TERM": "xterm", **variables}


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelex_like", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        env=environment(folder, **variables),
        timeout=120,
    )


class Terminal:
    """A person at `init`; `seen` is every byte that the terminal showed."""

    def __init__(self, folder: Path, *arguments: str, columns: int = 120, **variables: str) -> None:
        self.raw = BytesIO()
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "pipelex_like", "init", *arguments],
            cwd=str(folder),
            env=environment(folder, **variables),
            dimensions=(50, columns),
            timeout=60,
        )
        self.child.logfile_read = self.raw

    def answer(self, prompt: str, text: str = "") -> None:
        self.child.expect_exact(prompt)
        self.child.sendline(text)

    def answer_unseen(self, prompt: str, text: str) -> None:
        self.child.expect_exact(prompt)
        assert self.child.waitnoecho(30)
        self.child.sendline(text)

    def end(self) -> int:
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert self.child.exitstatus is not None, self.seen
        return self.child.exitstatus

    @property
    def seen(self) -> str:
        return self.raw.getvalue().decode().replace("\r\n", "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    return made


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def good(folder: Path, **variables: str) -> bool:
    done = run(folder, "validate", "--strict", **variables)
    return done.returncode == 0


def test_from_nothing_to_a_first_call_of_a_provider_and_again(folder: Path) -> None:
    with Sandbox(api_key=SECRET) as provider:
        url = f"{provider.url}/v1"
        person = Terminal(folder, "--backends", "openai", OPENAI_BASE_URL=url)
        person.answer_unseen("OPENAI_API_KEY (nothing shows while you type; Enter passes it over): ", "sk-...")
        person.child.expect_exact("that looks like a placeholder")
        person.answer_unseen("OPENAI_API_KEY", "two words")
        person.child.expect_exact("that has a space in it")
        person.answer_unseen("OPENAI_API_KEY", SECRET)
        person.answer("Number or name [auto]: ", "")
        person.answer("Number [1]: ", "2")
        person.answer("Number [1]: ")
        person.answer("Number [1]: ")
        person.answer("Call [Y/n]: ")
        assert person.end() == 0, person.seen
        assert len(provider.requests) == 1
    assert "Get a key at https://platform.openai.com/api-keys" in person.seen
    assert "served by openai" in person.seen
    written = files(folder)
    assert SECRET not in person.seen
    assert [name for name, text in written.items() if SECRET.encode() in text] == [".env"]
    assert (folder / ".env").stat().st_mode & 0o7777 == 0o600
    assert b"\n.env\n" in written[".gitignore"]
    assert good(folder, OPENAI_BASE_URL=url)

    again = Terminal(folder, "--no-call")
    again.child.expect_exact("OPENAI_API_KEY in .env")
    again.answer("Providers [openai]: ")
    again.answer("Number or name [auto]: ")
    again.answer("Number [2]: ")
    again.answer("Number [1]: ")
    again.answer("Number [1]: ")
    assert again.end() == 0, again.seen
    assert "nothing was changed" in again.seen
    assert files(folder) == written
    assert SECRET not in again.seen


def test_an_edited_file_is_shown_and_stays_where_the_person_says_no(folder: Path) -> None:
    assert run(folder, "init", "--yes", "--no-call", "--profile", "local").returncode == 0
    path = folder / ".pipelex" / "inference" / "routing_profiles.toml"
    path.write_text(path.read_text() + "# mine\n")
    before = files(folder)
    for reply, written in (("n", False), ("y", True)):
        person = Terminal(folder, "--backends", "none", "--profile", "sandbox", "--no-call")
        for _ in range(3):
            person.answer("Number [1]: ")
        person.child.expect_exact("routing_profiles.toml was edited by hand")
        person.child.expect_exact('-active = "local"')
        person.child.expect_exact('+active = "sandbox"')
        person.answer("Write this? [y/N]: ", reply)
        assert person.end() == 0, person.seen
        assert (files(folder) != before) is written
    assert path.read_text().endswith('active = "sandbox"\n# mine\n')


def test_yes_overwrites_nothing_that_was_edited_and_says_so(folder: Path) -> None:
    assert run(folder, "init", "--yes", "--no-call", "--profile", "local").returncode == 0
    path = folder / ".pipelex" / "inference" / "routing_profiles.toml"
    path.write_text(path.read_text() + "# mine\n")
    before = files(folder)
    done = run(folder, "init", "--yes", "--no-call", "--profile", "sandbox")
    assert done.returncode == 1
    assert "left as it is: .pipelex/inference/routing_profiles.toml" in done.stderr
    assert '+active = "sandbox"' in done.stderr
    assert files(folder) == before
    assert run(folder, "init", "--yes", "--no-call").returncode == 0


def test_yes_without_a_key_ends_with_a_call_that_says_what_it_is(folder: Path) -> None:
    done = run(folder, "init", "--yes", "--backends", "openai,fal", PIPELEX_LIKE_CACHE_DIR=str(folder.parent / "none"))
    assert done.returncode == 0, done.stderr
    assert "a first call to the sandbox (profile sandbox), which makes its answer up" in done.stdout
    assert "served by sandbox: sandbox-text, simulated" in done.stdout
    assert "openai is off until OPENAI_API_KEY is set: put it into .env" in done.stderr
    assert "\nOPENAI_API_KEY=\n" in (folder / ".env").read_text()
    assert (folder / ".env").stat().st_mode & 0o7777 == 0o600
    assert good(folder)
    before = files(folder)
    assert run(folder, "init", "--yes", "--backends", "openai,fal", "--no-call").returncode == 0
    assert files(folder) == before


def test_without_a_key_the_small_model_here_answers_if_it_is_here(folder: Path, local_weights: Path) -> None:
    done = run(folder, "init", "--yes", PIPELEX_LIKE_CACHE_DIR=str(local_weights.parent.parent))
    assert done.returncode == 0, done.stderr
    assert "a first call to the small model on this machine (profile local)" in done.stdout
    assert "served by local: smollm2-135m-instruct" in done.stdout


def test_a_first_call_that_fails_undoes_nothing(folder: Path) -> None:
    done = run(folder, "init", "--yes", "--backends", "openai", OPENAI_API_KEY=SECRET, OPENAI_BASE_URL=DOWN)
    assert done.returncode == 1
    assert "it failed: " in done.stderr
    assert "Look at the network" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert (folder / ".pipelex" / "inference" / "backends.toml").exists()


def test_a_dry_run_shows_everything_and_writes_nothing(folder: Path) -> None:
    (folder / ".env").write_text(f"OTHER={SECRET}\n")
    before = files(folder)
    done = run(folder, "init", "--yes", "--dry-run", "--backends", "openai", "--profile", "local")
    assert done.returncode == 0
    assert '+extends = "pipelex_like"' in done.stdout
    assert '+active = "local"' in done.stdout
    assert "+OPENAI_API_KEY=\n" in done.stdout
    assert "nothing was written (--dry-run)" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert files(folder) == before


def test_wrong_usage(folder: Path) -> None:
    unknown = run(folder, "init", "--yes", "--backends", "openai,mistrall")
    assert (unknown.returncode, 'no backend is named "mistrall". Did you mean "mistral"?' in unknown.stderr) == (
        2,
        True,
    )
    profile = run(folder, "init", "--yes", "--profile", "locl")
    assert (profile.returncode, 'Did you mean "local"?' in profile.stderr) == (2, True)
    silent = run(folder, "init")
    assert (silent.returncode, "no terminal to ask on: add --yes" in silent.stderr) == (2, True)
    assert files(folder) == {}


def test_another_folder_and_another_file_of_keys(folder: Path) -> None:
    (folder / "keys.env").write_text("# mine\n")
    options = ("--yes", "--no-call", "--backends", "openai", "--dir", "inner", "--env-file", "keys.env")
    done = run(folder, "init", *options)
    assert done.returncode == 0, done.stderr
    assert (folder / "keys.env").read_text().endswith("\nOPENAI_API_KEY=\n")
    assert set(files(folder)) == {
        "inner/.gitignore",
        "inner/.pipelex/inference/backends.toml",
        "keys.env",
    }
    assert run(folder, "init", *options).stdout.startswith("Everything stands as it should")


def test_help_names_an_example_and_the_exit_code(folder: Path) -> None:
    done = run(folder, "init", "--help")
    assert "Example: pipelex-like init --yes --backends openai,fal" in done.stdout
    assert "Exit code 1" in done.stdout


def test_an_unknown_name_is_asked_for_again_and_a_key_may_be_passed_over(folder: Path) -> None:
    person = Terminal(folder, "--profile", "sandbox", "--no-call")
    person.answer("Providers [none]: ", "opnai")
    person.child.expect_exact('Did you mean "openai"?')
    person.answer("Providers [none]: ", "gemini, nebius")
    person.answer_unseen("GOOGLE_API_KEY", "")
    person.child.expect_exact("google stays off until GOOGLE_API_KEY is set")
    person.answer_unseen("NEBIUS_API_KEY", SECRET)
    person.answer("NEBIUS_API_BASE (Enter passes it over): ", "https://api.studio.nebius.ai/v1")
    for _ in range(3):
        person.answer("Number [1]: ")
    assert person.end() == 0, person.seen
    text = (folder / ".env").read_text()
    assert "\nGOOGLE_API_KEY=\n" in text
    assert f"\nNEBIUS_API_KEY={SECRET}\nNEBIUS_API_BASE=https://api.studio.nebius.ai/v1\n" in text
    assert SECRET not in person.seen
    assert good(folder)


def test_a_profile_that_needs_a_key_asks_for_it(folder: Path) -> None:
    person = Terminal(folder, "--backends", "none", "--no-call")
    person.answer("Number or name [auto]: ", "hybrd")
    person.child.expect_exact('Did you mean "hybrid"?')
    person.answer("Number or name [auto]: ", "hybrid")
    person.answer_unseen("PIPELEX_INFERENCE_API_KEY", "")
    person.answer("Number or name [auto]: ", "pipelex_first")
    person.answer_unseen("PIPELEX_INFERENCE_API_KEY", SECRET)
    for _ in range(3):
        person.answer("Number [1]: ")
    assert person.end() == 0, person.seen
    routing = (folder / ".pipelex" / "inference" / "routing_profiles.toml").read_text()
    assert 'active = "pipelex_first"' in routing
    assert good(folder)


@pytest.mark.parametrize(
    ("place", "end"),
    [("OPENAI_API_KEY", "\x03"), ("Number or name [auto]: ", "\x04"), ("Number [1]: ", "\x03")],
    ids=["key", "profile", "choice"],
)
def test_an_interrupt_leaves_nothing_half_done(folder: Path, place: str, end: str) -> None:
    (folder / ".env").write_text("A=1\n")
    (folder / ".env").chmod(0o644)
    before = files(folder)
    person = Terminal(folder, "--backends", "openai")
    if place == "OPENAI_API_KEY":
        person.child.expect_exact(place)
        assert person.child.waitnoecho(30)
    else:
        person.answer_unseen("OPENAI_API_KEY", SECRET)
        if place == "Number [1]: ":
            person.answer("Number or name [auto]: ")
        person.child.expect_exact(place)
    person.child.send(end)
    assert person.end() == 1, person.seen
    assert "Stopped; nothing was written." in person.seen
    assert SECRET not in person.seen
    assert files(folder) == before
    assert (folder / ".env").stat().st_mode & 0o7777 == 0o644


def test_a_kill_while_it_writes_leaves_whole_files(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelex_like", "init", "--yes", "--no-call", "--full"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
        env=environment(folder, PYTHONUNBUFFERED="1"),
    )
    assert process.stdout is not None
    with process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode in (0, 1), rest
    for path in folder.rglob("*.toml"):
        assert path.read_bytes().endswith(b"\n")
    assert not list(folder.rglob("*.tmp"))
    assert run(folder, "init", "--yes", "--no-call", "--full").returncode == 0
    assert good(folder)


def test_a_narrow_terminal_folds_and_cuts_no_address(folder: Path) -> None:
    person = Terminal(folder, "--no-call", "--dry-run", columns=34)
    person.answer("Providers [none]: ", "anthropic")
    person.answer_unseen("ANTHROPIC_API_KEY", "")
    person.answer("Number or name [auto]: ")
    for _ in range(3):
        person.answer("Number [1]: ")
    assert person.end() == 0, person.seen
    asked = person.seen[: person.seen.index("+++")]
    assert "https://platform.claude.com/settings/keys" in asked
    asked = asked.replace(str(folder), "")
    assert max(len(line) for line in asked.splitlines() if "://" not in line and ": " not in line) <= 34


def test_a_pipelex_directory_is_recognised_and_kept(folder: Path) -> None:
    inference = folder / ".pipelex" / "inference"
    (inference / "backends").mkdir(parents=True)
    (inference / "deck").mkdir()
    (inference / "backends.toml").write_text('[mistral]\nenabled = true\napi_key = "${MISTRAL_API_KEY}"\n')
    (inference / "backends" / "mistral.toml").write_text(
        'default_sdk = "mistral"\n[mistral-ocr]\nmodel_type = "text_extractor"\n'
        'inputs = ["pdf"]\noutputs = ["pages"]\ncosts = {}\n'
    )
    (inference / "deck" / "base_deck.toml").write_text('[extract.presets]\nread = { ocr_handle = "mistral-ocr" }\n')
    before = files(folder)
    done = run(folder, "init", "--yes", "--no-call")
    assert done.returncode == 0, done.stderr
    assert "A whole configuration stands there already" in done.stderr
    assert "`pipelex-like migrate`" in " ".join(done.stderr.split())
    assert {name: text for name, text in files(folder).items() if name in before} == before
