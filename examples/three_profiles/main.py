"""The same two calls under three profiles: one word decides who answers."""

from __future__ import annotations

from pathlib import Path

from pipelex_like import Inference, PipelexLikeError

HERE = Path(__file__).parent / ".pipelex" / "inference"


def work(ai: Inference) -> None:
    text = ai.sync.generate_text("Name one river in Europe.", model="cheap_llm_for_text", max_tokens=20)
    print(f"  text    by {text.served_by.backend}/{text.served_by.handle}")
    try:
        image = ai.sync.generate_images("a river", model="gen_image_basic")
        print(f"  picture by {image.served_by.backend}/{image.served_by.handle}")
    except PipelexLikeError as error:
        print(f"  picture by nobody: {type(error).__name__}")


def main() -> None:
    with Inference.load(HERE) as ai:
        for profile in ("simulated", "offline", "mixed"):
            print(f"{profile}:")
            ai.use_profile(profile)
            work(ai)


if __name__ == "__main__":
    main()
