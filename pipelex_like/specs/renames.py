"""Older spellings of keys, and keys that drive each other out; the documents are read with both."""

from __future__ import annotations

from pipelex_like.documents import Rename

_ALIASES = (("aliases", "*"), ("aliases", "*", "*"), ("waterfalls", "*", "*"))

RENAMES: tuple[Rename, ...] = (
    Rename("deck", (), "ocr", "extract"),
    Rename("deck", ("llm", "presets", "*"), "llm_handle", "model"),
    Rename("deck", ("extract", "presets", "*"), "ocr_handle", "model"),
    Rename("deck", ("extract", "presets", "*"), "extract_handle", "model"),
    Rename("deck", ("img_gen", "presets", "*"), "img_gen_handle", "model"),
    *(Rename("deck", table, "llm_handle", "model") for table in _ALIASES),
    *(Rename("deck", ("llm", *table), "llm_handle", "model") for table in _ALIASES),
)
EXCLUSIVE: tuple[tuple[str, str], ...] = (("quality", "nb_steps"),)
