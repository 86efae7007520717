"""The kinds of values that tables hold, as pydantic types; strict: a text is never taken for a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from pydantic.config import JsonDict


class Table(BaseModel):
    """A TOML table: nothing converted, no key beyond those declared, no infinite number."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        protected_namespaces=(),
    )


Variable = Annotated[str, Field(pattern=r"\$\{")]
"""A text with a `${VARIABLE}` in it; its form is checked when it becomes a Template."""

Text = Annotated[str, Field(min_length=1)]
"""A text that may hold variables."""

Plain = Annotated[str, Field(min_length=1, pattern=r"^(?:[^$]|\$[^{]|\$$)*$")]
"""A text in which no variable can stand, because its meaning is needed before one is filled in."""

# The upper bounds are far beyond any sense; they keep a number printable and within what JSON parsers take.
Count = Annotated[int, Field(ge=1, le=2**53)]
CountOrNone = Annotated[int, Field(ge=0, le=2**53)]
Price = Annotated[int, Field(ge=0, le=10**9)] | Annotated[float, Field(ge=0, le=10**9)] | Variable
Seconds = Annotated[int, Field(gt=0, le=10**9)] | Annotated[float, Field(gt=0, le=10**9)] | Variable
SecondsOrNone = Annotated[int, Field(ge=0, le=10**9)] | Annotated[float, Field(ge=0, le=10**9)] | Variable
Dollars = Annotated[int, Field(gt=0, le=10**9)] | Annotated[float, Field(gt=0, le=10**9)] | Variable

# For JSON Schema alone (json_schemas.py): whose names a value may hold, and what pydantic is not told.
BACKEND_NAMES: JsonDict = {"x-names": "backends"}
GATEWAY_NAMES: JsonDict = {"x-names": "gateways"}
ROUTES: JsonDict = {"x-names": "backends", "x-keys": "models"}
DEPRECATED: JsonDict = {"deprecated": True}
