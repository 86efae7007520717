"""The composition root: Inference loads, routes, calls and closes."""
