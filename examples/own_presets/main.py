"""Presets of one's own: what they resolve to, and a call."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipelex_like import Inference

HERE = Path(__file__).parent / ".pipelex" / "inference"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="sandbox", help="sandbox, local, or one that uses your keys")
    options = parser.parse_args()
    with Inference.load(HERE, profile=options.profile) as ai:
        for preset in ("llm_to_name_products", "llm_to_answer_customers", "llm_to_extract_invoice"):
            route = ai.router.resolve(f"preset:{preset}")
            for candidate in route.candidates:
                print(f"{preset}: {candidate.backend}/{candidate.handle} with {dict(candidate.settings)}")
        result = ai.sync.generate_text("A kettle that sings", model="llm_to_name_products")
        print(f"{result.text}\n  asked for {result.requested}, instead of {result.stood_in_for}")


if __name__ == "__main__":
    main()
