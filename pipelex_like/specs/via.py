"""`via`: the gateway that a backend's traffic goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.errors import did_you_mean
from pipelex_like.specs.page import shown

if TYPE_CHECKING:
    from pipelex_like.specs.page import Page, Path

DIRECT = "direct"
GATEWAYS = ("cloudflare_gateway",)


def read_via(name: str | None, page: Page, path: Path) -> str | None:
    """Give the name of a gateway, or `direct`; report any other."""
    if name is None or name == DIRECT or name in GATEWAYS:
        return name
    hint = did_you_mean(name, (*GATEWAYS, DIRECT)) or f'Write via = "{GATEWAYS[0]}", or leave it out.'
    message = f'no gateway named "{shown(name)}" is known; "{GATEWAYS[0]}" is the only one.'
    page.error(path, "unknown-gateway", message, hint)
    return None
