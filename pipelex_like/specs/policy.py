"""How calls are governed: the same keys on a backend, a profile and a preset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pipelex_like.deck import Policy, Template
from pipelex_like.specs.fields import Count, CountOrNone, Seconds, Table, Variable
from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from pipelex_like.specs.page import Page, Path

Action = Literal["retry", "next", "stop"] | None
_SECONDS = Annotated[Seconds | None, Field(union_mode="left_to_right")]
_COUNT = Annotated[Count | Variable | None, Field(union_mode="left_to_right")]

DURATIONS = (
    "timeout",
    "connect_timeout",
    "first_event_timeout",
    "between_events_timeout",
    "max_stream_seconds",
)
COUNTS = ("max_response_bytes", "max_event_bytes", "max_retries", "max_attempts", "max_repairs")
NO_POLICY = Policy()


class ActionsTable(Table):
    """What follows on an error of each class."""

    auth: Action = None
    permission: Action = None
    quota: Action = None
    rate_limit: Action = None
    context_window: Action = None
    content_policy: Action = None
    bad_request: Action = None
    not_found: Action = None
    timeout: Action = None
    server: Action = None
    overloaded: Action = None
    connection: Action = None
    invalid_response: Action = None
    capability: Action = None


class PolicyTable(Table):
    """The keys of a policy, for tables that have others besides."""

    timeout: _SECONDS = None
    connect_timeout: _SECONDS = None
    first_event_timeout: _SECONDS = None
    between_events_timeout: _SECONDS = None
    max_stream_seconds: _SECONDS = None
    max_response_bytes: _COUNT = None
    max_event_bytes: _COUNT = None
    max_retries: Annotated[CountOrNone | Variable | None, Field(union_mode="left_to_right")] = None
    max_attempts: _COUNT = None
    max_repairs: Annotated[CountOrNone | Variable | None, Field(union_mode="left_to_right")] = None
    actions: ActionsTable | None = None


POLICY_KEYS = frozenset(PolicyTable.model_fields)


def read_policy(table: PolicyTable, page: Page, path: Path) -> Policy:
    """Give the policy; one that says nothing is always the same object."""
    if POLICY_KEYS.isdisjoint(table.model_fields_set):
        return NO_POLICY
    actions = {} if table.actions is None else table.actions.model_dump(exclude_none=True)
    return Policy(
        timeout=_seconds(table.timeout, page, (*path, "timeout")),
        connect_timeout=_seconds(table.connect_timeout, page, (*path, "connect_timeout")),
        first_event_timeout=_seconds(table.first_event_timeout, page, (*path, "first_event_timeout")),
        between_events_timeout=_seconds(table.between_events_timeout, page, (*path, "between_events_timeout")),
        max_stream_seconds=_seconds(table.max_stream_seconds, page, (*path, "max_stream_seconds")),
        max_response_bytes=read_count(table.max_response_bytes, page, (*path, "max_response_bytes")),
        max_event_bytes=read_count(table.max_event_bytes, page, (*path, "max_event_bytes")),
        max_retries=read_count(table.max_retries, page, (*path, "max_retries")),
        max_attempts=read_count(table.max_attempts, page, (*path, "max_attempts")),
        max_repairs=read_count(table.max_repairs, page, (*path, "max_repairs")),
        actions=FrozenDict(actions),
    )


def read_count(value: int | str | None, page: Page, path: Path) -> int | Template | None:
    """Give a whole number, or the Template that will hold one."""
    if not isinstance(value, str):
        return value
    found = _variable(value, "int", page, path)
    return found if isinstance(found, Template) else None


def _seconds(value: float | str | None, page: Page, path: Path) -> float | Template | None:
    if not isinstance(value, str):
        return value
    found = _variable(value, "float", page, path)
    return found if isinstance(found, Template) else None


def _variable(text: str, scalar: Literal["int", "float"], page: Page, path: Path) -> Template | str:
    if not page.variables:
        page.error(
            path,
            "no-variable-here",
            "variables are filled in only in backends.toml and the files of backends/.",
            "Write the number itself.",
        )
        return text
    found = page.text(path, text, scalar)
    if isinstance(found, str):
        page.error(path, "wrong-type", "expected a number, got a text.")
    return found
