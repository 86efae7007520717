"""What the package brings along: the kit of configuration files, and samples to try things on."""

from pathlib import Path

KIT = Path(__file__).parent / "inference"
"""A configuration directory like any other; used where there is none, and by `extends = "pipelex_like"`."""

SAMPLES = Path(__file__).parent / "samples"
"""Documents made for the quickstart and the examples."""
