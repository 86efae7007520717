"""From a PDF to a typed object to a summary; each step names a task, and the profile decides who does it."""

from __future__ import annotations

import argparse
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Field

from pipelex_like import Inference
from pipelex_like.data import SAMPLES


class Invoice(BaseModel):
    invoice_number: str = Field(max_length=30)
    vendor: str = Field(max_length=60)
    customer: str = Field(max_length=60)
    date: date
    total_due: Decimal
    currency: Literal["EUR", "USD", "GBP", "CHF"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="local", help="local, sandbox, or one that uses your keys")
    parser.add_argument("--pdf", default=str(SAMPLES / "invoice.pdf"))
    options = parser.parse_args()

    with Inference.load(profile=options.profile) as ai:
        document = ai.sync.extract(options.pdf, model="extract_text_from_pdf")
        print(f"{len(document.pages)} page read by {document.served_by.backend}")

        answer = ai.sync.generate_object(document.text, Invoice, model="llm_to_extract_invoice")
        print(f"{answer.object!r}\n  by {answer.served_by.backend}, cost {answer.cost}")

        prompt = f"Sum up this invoice in one sentence:\n\n{answer.object.model_dump_json(indent=1)}"
        summary = ai.sync.generate_text(prompt, model="cheap_llm_for_text", max_tokens=60)
        print(f"{summary.text}\n  by {summary.served_by.backend}, cost {summary.cost}")


if __name__ == "__main__":
    main()
