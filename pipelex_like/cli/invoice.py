"""The object that the quickstart fills."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Field


class Invoice(BaseModel):
    """What a bookkeeper copies from an invoice."""

    invoice_number: str = Field(max_length=30)
    vendor: str = Field(max_length=60)
    customer: str = Field(max_length=60)
    date: date
    total_due: Decimal
    currency: Literal["EUR", "USD", "GBP", "CHF", "JPY", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "CZK", "INR", "MXN"]
