"""What one attempt, or a whole call, consumed."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Counts as the provider reported them; `input_tokens` includes cached ones, `output_tokens` reasoning.

    `estimated` marks counts that we made because the provider gave none that could be believed; `None` never
    stands for zero: a count that does not apply is 0.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    input_image_tokens: int = 0
    output_image_tokens: int = 0
    pages: int = 0
    images: int = 0
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        counts = {
            field.name: getattr(self, field.name) + getattr(other, field.name)
            for field in fields(Usage)
            if field.name != "estimated"
        }
        return Usage(**counts, estimated=self.estimated or other.estimated)

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def to_dict(self) -> dict[str, int | bool]:
        """Give every count by its name."""
        return {field.name: getattr(self, field.name) for field in fields(Usage)}
