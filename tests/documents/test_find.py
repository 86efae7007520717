from __future__ import annotations

import os
from pathlib import Path

import pytest
from documents.tree import write

from pipelex_like.documents import find_directory
from pipelex_like.errors import ConfigError

CONFIG = {".pipelex/inference/backends.toml": ""}


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A project with a working directory deep inside, a home with a configuration, another one, and a kit."""
    write(tmp_path / "project", CONFIG)
    write(tmp_path / "home", CONFIG)
    write(tmp_path / "other", CONFIG)
    write(tmp_path / "shared", {"backends.toml": ""})
    write(tmp_path / "kit", {"backends.toml": ""})
    (tmp_path / "project" / "src" / "deep").mkdir(parents=True)
    (tmp_path / "bare").mkdir()
    return tmp_path


def test_the_order_of_the_search(world: Path) -> None:
    cwd, kit = world / "project" / "src" / "deep", world / "kit"
    environ = {"PIPELEX_CONFIG_DIR": str(world / "shared"), "HOME": str(world / "home")}
    home = {"HOME": str(world / "home")}
    assert find_directory(world / "other", environ, cwd, kit).directory == world / "other/.pipelex/inference"
    assert find_directory(None, environ, cwd, kit).directory == world / "shared"
    assert find_directory(None, home, cwd, kit).directory == world / "project/.pipelex/inference"
    assert find_directory(None, home, world / "bare", kit).directory == world / "home/.pipelex/inference"
    assert find_directory(None, {}, world / "bare", kit).directory == kit


def test_what_chose_the_directory_is_said(world: Path) -> None:
    cwd, kit = world / "bare", world / "kit"
    assert "config_dir" in find_directory(world / "other", {}, cwd, kit).chosen_by
    assert (
        "PIPELEX_CONFIG_DIR" in find_directory(None, {"PIPELEX_CONFIG_DIR": str(world / "other")}, cwd, kit).chosen_by
    )
    assert "upward" in find_directory(None, {}, world / "project", kit).chosen_by
    assert "~" in find_directory(None, {"HOME": str(world / "home")}, cwd, kit).chosen_by
    assert "kit" in find_directory(None, {}, cwd, kit).chosen_by


def test_the_projects_root(world: Path) -> None:
    kit, home = world / "kit", {"HOME": str(world / "home")}
    deep = world / "project" / "src" / "deep"
    assert find_directory(None, home, deep, kit).root == world / "project"
    assert find_directory(world / "other" / ".pipelex" / "inference", home, deep, kit).root == world / "other"
    assert find_directory(world / "shared", home, deep, kit).root == deep
    assert find_directory(None, home, world / "bare", kit).root == world / "bare"
    assert find_directory(None, {}, world / "bare", kit).root == world / "bare"


def test_below_the_home_folder_its_configuration_is_still_the_homes(world: Path) -> None:
    cwd = world / "home" / "work"
    cwd.mkdir()
    place = find_directory(None, {"HOME": str(world / "home")}, cwd, world / "kit")
    assert place.directory == world / "home/.pipelex/inference"
    assert place.root == cwd


@pytest.mark.parametrize("named", ["other", "other/.pipelex", "other/.pipelex/inference", "other/../other"])
def test_the_project_or_its_pipelex_folder_may_be_named(world: Path, named: str) -> None:
    place = find_directory(named, {}, world, world / "kit")
    assert place.directory == world / "other/.pipelex/inference"
    assert place.root == world / "other"


def test_a_tilde_is_the_home_folder(world: Path) -> None:
    environ = {"HOME": str(world / "home"), "PIPELEX_CONFIG_DIR": "~/.pipelex/inference"}
    assert find_directory(None, environ, world / "bare", world / "kit").directory == world / "home/.pipelex/inference"


@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_means_not_named(world: Path, blank: str) -> None:
    place = find_directory(blank, {"PIPELEX_CONFIG_DIR": blank}, world / "project", world / "kit")
    assert place.directory == world / "project/.pipelex/inference"


@pytest.mark.parametrize("chooser", ["config_dir", "PIPELEX_CONFIG_DIR"])
def test_a_named_directory_must_exist(world: Path, chooser: str) -> None:
    argument = "nowhere" if chooser == "config_dir" else None
    with pytest.raises(ConfigError) as caught:
        find_directory(argument, {"PIPELEX_CONFIG_DIR": "nowhere"}, world, world / "kit")
    (problem,) = caught.value.problems
    assert problem.code == "directory-not-found"
    assert chooser in problem.message
    assert str(world / "nowhere") in problem.message


def test_a_named_file_is_told_apart(world: Path) -> None:
    with pytest.raises(ConfigError, match="name the folder"):
        find_directory(world / "shared" / "backends.toml", {}, world, world / "kit")


def test_a_name_that_no_folder_can_have(world: Path) -> None:
    with pytest.raises(ConfigError):
        find_directory("a\0b", {}, world, world / "kit")


def test_a_pipelex_folder_without_inference_is_passed_over(world: Path) -> None:
    (world / "project" / "src" / ".pipelex").mkdir()
    place = find_directory(None, {}, world / "project" / "src", world / "kit")
    assert place.directory == world / "project/.pipelex/inference"


def test_the_environment_of_the_process_is_not_asked(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELEX_CONFIG_DIR", str(world / "other"))
    monkeypatch.setenv("HOME", str(world / "home"))
    before = dict(os.environ)
    assert find_directory(None, {}, world / "bare", world / "kit").directory == world / "kit"
    assert dict(os.environ) == before
