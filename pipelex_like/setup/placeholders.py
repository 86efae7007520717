"""Keys that were copied from an example and never filled in."""

from __future__ import annotations

import re

_WORDS = re.compile(
    r"""\.\.\.|…                                   # sk-...
    |^[<{\[].*[>}\]]$                              # <your key>
    |\b(?:your|my)[-_ ]?(?:\w+[-_ ])*(?:key|token|secret|id)\b|(?:key|token|secret)[-_ ]?(?:goes[-_ ]?)?here
    |(?:change|replace|fill)[-_ ]?(?:me|this|it)(?![a-z])|placeholder|to[-_]?do\b
    |(?:^|[-_])x{3,}(?:$|[-_])|x{6,}|\*{3,}        # xxx, sk-xxx
    |^(?:sk|sk-ant|sk-or|gsk|hf|xai|pplx|csk)[-_]$ # a beginning alone
    |EXAMPLE(?:KEY)?$
    """,
    re.IGNORECASE | re.VERBOSE,
)


def looks_like_placeholder(text: str) -> bool:
    """Whether a key is surely none: `sk-...`, `your-key-here`, `xxx`, `changeme`."""
    return bool(_WORDS.search(text.strip()))
