"""A simulated provider on loopback that speaks the providers' wire formats and fails on demand."""

from pipelex_like.sandbox.faults import Fault, FaultRule, FaultTable, parse_faults
from pipelex_like.sandbox.server import Sandbox
from pipelex_like.sandbox.wire import Recorded

__all__ = ["Fault", "FaultRule", "FaultTable", "Recorded", "Sandbox", "parse_faults"]
