"""Beginnings of prompts that the simulated provider keeps between requests, for formats with a prompt cache."""

from __future__ import annotations

from collections import OrderedDict

KEPT = 1000


class Prompts:
    """The last thousand beginnings that were to be kept, by a fingerprint of each. They never grow old."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, beginning: bytes) -> bool:
        return beginning in self._kept

    def keep(self, beginning: bytes) -> None:
        """Keep one more, and forget the one that was asked for least lately if there are too many."""
        self._kept[beginning] = None
        self._kept.move_to_end(beginning)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget them all."""
        self._kept.clear()
