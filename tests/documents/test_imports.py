from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys, tempfile
from pathlib import Path
from pipelex_like.documents import find_directory, load_documents, read_variables
HEAVY = ("tomlkit", "dotenv", "pydantic")
assert not [name for name in HEAVY if name in sys.modules], "on import"
with tempfile.TemporaryDirectory() as folder:
    root = Path(folder)
    (root / ".pipelex" / "inference").mkdir(parents=True)
    (root / ".pipelex" / "inference" / "backends.toml").write_text("unset = 3\\n")
    place = find_directory(None, {}, root, root / "kit")
    variables, _ = read_variables(place.root, {})
    assert load_documents(place, variables, root / "kit", [])[1]
    assert not [name for name in HEAVY if name in sys.modules], "on loading, even with a problem"
    (root / ".env").write_text("A=1")
    read_variables(place.root, {})
    assert "dotenv" in sys.modules
"""


def test_nothing_heavy_is_imported_until_it_is_needed() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
