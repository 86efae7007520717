"""The simulated model behind every wire format: a neutral question in, a deterministic answer out."""

from pipelex_like.sandbox.model.answering import Answer, ToolUse, answer_to
from pipelex_like.sandbox.model.pictures import Picture, picture_of
from pipelex_like.sandbox.model.question import EFFORTS, Question, Tool, Turn

__all__ = ["EFFORTS", "Answer", "Picture", "Question", "Tool", "ToolUse", "Turn", "answer_to", "picture_of"]
