"""A project's directory that extends a team's, which extends the kit: who says what, with file and line."""

from __future__ import annotations

from pathlib import Path

from pipelex_like import Inference, LLMPresetNotFoundError

HERE = Path(__file__).parent / "project" / ".pipelex" / "inference"


def main() -> None:
    with Inference.load(HERE) as ai:
        print(ai.router.explain("preset:llm_to_review"))
        try:
            ai.router.resolve("preset:llm_to_greet")
        except LLMPresetNotFoundError as error:
            print(f"\n{error}")
        result = ai.sync.generate_text("Review: x = x", model="preset:llm_to_review")
        print(
            f"\nserved by {result.served_by.backend} with {dict(ai.router.resolve('llm_to_review').primary.settings)}"
        )


if __name__ == "__main__":
    main()
