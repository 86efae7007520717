"""A bound deck and its router: names in, routes out. Pure: no I/O, no SDK, no clock."""

from pipelex_like.routing.bind import bind, secret_names
from pipelex_like.routing.explanation import Explanation, Step
from pipelex_like.routing.fit import fit
from pipelex_like.routing.router import Router

__all__ = ["Explanation", "Router", "Step", "bind", "fit", "secret_names"]
