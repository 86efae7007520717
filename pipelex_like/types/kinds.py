"""The closed sets of words that the whole package shares."""

from __future__ import annotations

from typing import Literal

Kind = Literal["llm", "extract", "img_gen"]
KINDS: tuple[Kind, ...] = ("llm", "extract", "img_gen")

Outcome = Literal["ok", "failed", "skipped", "abandoned"]
Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "other"]
