"""What the TOML tables may hold, and compile(): documents become a ModelDeck, with all problems at once."""

from pipelex_like.specs.compile import compile_deck, named_sdks
from pipelex_like.specs.renames import EXCLUSIVE, RENAMES
from pipelex_like.specs.templates import parse_template

__all__ = ["EXCLUSIVE", "RENAMES", "compile_deck", "named_sdks", "parse_template"]
