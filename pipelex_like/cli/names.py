"""The names that a configuration declares, read without what a call needs: a person waits for them at a Tab."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.data import KIT
from pipelex_like.documents import find_directory, load_documents, names_of, read_variables

if TYPE_CHECKING:
    from pipelex_like.documents import Documents, Names


def documents_of(config_dir: Path | str | None, env_file: Path | str | None) -> Documents:
    """Read the files, whatever is wrong in them. Raises ConfigError where a named directory does not exist."""
    place = find_directory(config_dir, os.environ, Path.cwd(), KIT)
    variables, _ = read_variables(place.root, os.environ, env_file)
    documents, _ = load_documents(place, variables, KIT, ())
    return documents


def declared_names(config_dir: Path | str | None, env_file: Path | str | None) -> Names:
    """Give the names that the files declare. Raises ConfigError where a named directory does not exist."""
    return names_of(documents_of(config_dir, env_file))
