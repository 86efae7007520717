"""What a Tab offers: the protocol of the shells, and the shells themselves where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from pipelex_like.cli.app import main

Asked = Callable[..., list[str]]
PROGRAM = Path(sys.executable).parent / "pipelex-like"
DECK = """
[aliases]
quick = "acme-large"
[llm.presets]
write_letter = { model = "quick", description = "A letter: short and kind" }
write_code = { model = "acme-large" }
[img_gen.presets]
draw_logo = { model = "acme-draw" }
"""
FILES = {
    "backends.toml": '[acme]\nenabled = true\ndisplay_name = "Acme"\n[zenith]\nenabled = false\n',
    "backends/acme.toml": '[defaults]\nsdk = "openai"\n["acme-large"]\nmodel_type = "llm"\n["acme:8b"]\n'
    '["acme-draw"]\nmodel_type = "img_gen"\n',
    "backends/zenith.toml": '[defaults]\nsdk = "openai"\n["zenith-9"]\n',
    "routing_profiles.toml": 'active = "office"\n[profiles.office]\ndescription = "At work"\n[profiles.home]\n',
    "deck/base_deck.toml": DECK,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / ".pipelex" / "inference" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def environ(project: Path, **variables: str) -> dict[str, str]:
    path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(project), "TERM": "dumb", **variables}


@pytest.fixture
def asked(project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Asked:
    """Ask as a shell's script does; the last word is the one that is being typed."""
    for name in ("PIPELEX_CONFIG_DIR", "PIPELEX_ENV", "PIPELEX_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["pipelex-like"])
    monkeypatch.chdir(project)

    def ask(*words: str, shell: str = "bash") -> list[str]:
        for name, value in protocol(shell, *words).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as left:
            main()
        told = capfd.readouterr()
        assert told.err == ""
        assert left.value.code in (0, None)
        return [line for line in told.out.splitlines() if line]

    return ask


def protocol(shell: str, *words: str) -> dict[str, str]:
    line = " ".join(("pipelex-like", *words))
    told = {
        "bash": {"COMP_WORDS": "\n".join(("pipelex-like", *words)), "COMP_CWORD": str(len(words))},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    return {"_PIPELEX_LIKE_COMPLETE": f"complete_{shell}", **told}


def test_commands_and_options_are_offered(asked: Asked) -> None:
    assert {"validate", "explain", "schema", "backends"} <= set(asked(""))
    assert asked("text", "--prov") == ["--provider"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("text", "--provider", ""), ["acme", "zenith"]),
        (("text", "--only", "ac"), ["acme"]),
        (("text", "--exclude", "zen"), ["zenith"]),
        (("text", "--profile", ""), ["office", "home"]),
        (("models", "--backend", "a"), ["acme"]),
        (("models", "--kind", "i"), ["img_gen"]),
        (("backends", "enable", ""), ["acme", "zenith"]),
        (("profiles", "use", "h"), ["home"]),
        (("deck", "preset", "remove", "draw"), ["draw_logo"]),
        (("text", "--model", "acme/"), ["acme/acme-large", "acme/acme:8b"]),
        (("image", "--model", ""), ["preset:draw_logo", "quick", "acme:8b", "acme-draw"]),
        (("explain", "qui"), ["quick"]),
        (("explain", "write_l"), ["write_letter"]),
        (("schema", "pro"), ["profiles"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_names_of_the_configuration_are_offered(words: tuple[str, ...], offered: list[str], asked: Asked) -> None:
    assert asked(*words) == offered


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("text", "--model", "preset", ":", "wr"), ["write_letter", "write_code"]),
        (("text", "--model", "preset", ":"), ["write_letter", "write_code"]),
        (("text", "--model", "=", "preset", ":", "wr"), ["write_letter", "write_code"]),
        (("text", "--model", "acme", ":", "8"), ["8b"]),
        (("text", '"say: hi"', "--model", "alias", ":", "q"), ["quick"]),
        (("text", "--model", "preset", ":", "write_code", "--profile", "h"), ["home"]),
    ],
    ids=lambda value: " ".join(value) if value[0] == "text" else "",
)
def test_bash_gets_the_piece_after_the_colon(words: tuple[str, ...], offered: list[str], asked: Asked) -> None:
    assert asked(*words) == offered


def test_a_bash_that_leaves_colons_alone_gets_the_whole_word(asked: Asked) -> None:
    assert asked("text", "--model", "preset:wr") == ["preset:write_letter", "preset:write_code"]


def test_zsh_and_fish_show_what_a_name_means(asked: Asked) -> None:
    [told] = asked("text --model preset:write_l", shell="fish")
    assert told == "preset:write_letter\tA letter: short and kind"
    told = "\n".join(asked("text --profile o", shell="zsh"))
    assert '"office":"At work"' in told


def test_options_before_the_command_count(asked: Asked, project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (project / ".pipelex").rename(elsewhere)
    where = str(elsewhere / "inference")
    assert asked("--config-dir", where, "text", "--provider", "a") == ["acme"]
    assert asked("text", "--config-dir", where, "--provider", "a") == ["acme"]


@pytest.mark.parametrize(
    "broken",
    ["[acme", "\x00", "acme = 3\n", "[[acme]]\n", "extends = '../nowhere'\n[acme]\n"],
    ids=["half written", "no TOML", "no table", "tables", "nowhere"],
)
def test_a_broken_file_says_nothing(broken: str, asked: Asked, project: Path) -> None:
    (project / ".pipelex" / "inference" / "backends.toml").write_text(broken, encoding="utf-8")
    assert set(asked("text", "--profile", "")) >= {"office", "home"}
    asked("text", "--provider", "")
    asked("text", "--model", "preset", ":")


def test_a_directory_that_is_not_there_says_nothing(asked: Asked) -> None:
    assert asked("text", "--config-dir", "/no/such", "--provider", "a") == []


def test_no_sdk_and_no_engine_is_imported(project: Path) -> None:
    code = (
        "import sys, atexit\n"
        "bad = 'pipelex_like.specs openai anthropic boto3 mistralai google.genai pipelex_like.engine'.split()\n"
        "atexit.register(lambda: print(*(name for name in bad if name in sys.modules), sep='\\n'))\n"
        "sys.argv = ['pipelex-like']\n"
        "from pipelex_like.cli.app import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project,
        env=environ(project, **protocol("bash", "text", "--model", "acme-l")),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == ["acme-large"]


def test_bash_itself_completes(project: Path) -> None:
    bash = pexpect.spawn(
        "bash",
        ["--norc", "--noprofile"],
        env=environ(project, PS1="ready> "),
        cwd=str(project),
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 200),
    )
    bash.expect("ready> ")
    bash.sendline('eval "$(_PIPELEX_LIKE_COMPLETE=source_bash pipelex-like)"; bind "set bell-style none"')
    bash.expect("ready> ")
    bash.send("pipelex-like text --model preset:write_l\t")
    bash.expect_exact("preset:write_letter ")
    bash.send("--provider ac\t")
    bash.expect_exact("acme ")
    bash.close(force=True)


SHELLS = [name for name in ("zsh", "fish") if shutil.which(name)]


@pytest.mark.parametrize("name", SHELLS)
def test_other_shells_that_are_here_complete(name: str, project: Path) -> None:
    told = in_fish(project) if name == "fish" else in_zsh(project)
    assert "preset:write_letter" in told


def in_fish(project: Path) -> str:
    script = "_PIPELEX_LIKE_COMPLETE=source_fish pipelex-like | source; complete -C 'pipelex-like text -m preset:wr'"
    return subprocess.run(
        ["fish", "--no-config", "-c", script],
        cwd=project,
        env=environ(project),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    ).stdout


def in_zsh(project: Path) -> str:
    zsh = pexpect.spawn("zsh", ["-f"], env=environ(project), cwd=str(project), encoding="utf-8", timeout=30)
    zsh.sendline("PS1='read''y> '; autoload -Uz compinit; compinit -u -D")
    zsh.expect_exact("ready> ")
    zsh.sendline('eval "$(_PIPELEX_LIKE_COMPLETE=source_zsh pipelex-like)"; echo sourced')
    zsh.expect_exact("sourced")
    zsh.send("pipelex-like text -m preset:write_l\t")
    zsh.expect_exact("preset:write_letter")
    told = str(zsh.after)
    zsh.close(force=True)
    return told


SCRIPTS = {
    "bash": ".bash_completions/pipelex-like.sh",
    "zsh": ".zfunc/_pipelex-like",
    "fish": ".config/fish/completions/pipelex-like.fish",
}


@pytest.mark.parametrize("shell", ["bash", *SHELLS])
def test_install_completion_writes_the_script_of_the_shell_it_runs_in(shell: str, project: Path) -> None:
    command = f"'{PROGRAM}' --install-completion; true"
    subprocess.run(
        [shell, "-c", command], cwd=project, env=environ(project), capture_output=True, check=True, timeout=60
    )
    assert f"complete_{shell}" in (project / SCRIPTS[shell]).read_text(encoding="utf-8")
