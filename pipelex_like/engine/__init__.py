"""The composition root: Inference loads, routes, calls and closes."""

from pipelex_like.engine.inference import Inference, View
from pipelex_like.engine.runtime import Runtime, Transport

__all__ = ["Inference", "Runtime", "Transport", "View"]
