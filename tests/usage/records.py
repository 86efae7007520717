"""Records to write."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pipelex_like.types import Usage, UsageRecord

NOVEMBER_1 = 1793491200.0  # 2026-11-01 00:00 UTC
DAY = 86400.0


def record(number: int = 1, /, **changes: Any) -> UsageRecord:
    fields: dict[str, Any] = {
        "at": NOVEMBER_1,
        "request_id": f"req_{number}",
        "attempt": 1,
        "kind": "llm",
        "reference": "preset:sum_up",
        "preset": "sum_up",
        "profile": "auto",
        "backend": "openai",
        "handle": "gpt-4o",
        "model_id": "gpt-4o-2024-11-20",
        "sdk": "openai",
        "outcome": "ok",
        "usage": Usage(input_tokens=100, output_tokens=20, cached_tokens=40, cache_write_tokens=3, reasoning_tokens=5),
        "cost": Decimal("0.00045"),
        "latency": 0.5,
    }
    return UsageRecord(**{**fields, **changes})
