"""A llama model of half a megabyte whose weights are random: it loads at once, and what it says means nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gguf
import numpy

if TYPE_CHECKING:
    from pathlib import Path

SIZE, BLOCKS, HEADS, INNER, CONTEXT = 64, 2, 4, 128, 2048
TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: "


def write_tiny(path: Path) -> Path:
    kind = gguf.TokenType
    tokens = [("<unk>", kind.UNKNOWN), ("<s>", kind.CONTROL), ("</s>", kind.CONTROL)]
    tokens += [(f"<0x{byte:02X}>", kind.BYTE) for byte in range(256)]
    tokens += [(chr(code), kind.NORMAL) for code in (*range(32, 127), 0x2581)]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(SIZE)
    writer.add_block_count(BLOCKS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(SIZE // HEADS)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([text.encode() for text, _ in tokens])
    writer.add_token_scores([-float(at) for at in range(len(tokens))])
    writer.add_token_types([int(token_kind) for _, token_kind in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)
    for name, shape in _shapes(len(tokens)).items():
        dice = numpy.random.default_rng(len(name))
        weights = numpy.ones(shape) if "norm" in name else dice.normal(0, 0.1, shape)
        writer.add_tensor(f"{name}.weight", weights.astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _shapes(vocabulary: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"token_embd": (vocabulary, SIZE), "output_norm": (SIZE,)}
    shapes["output"] = (vocabulary, SIZE)
    for block in range(BLOCKS):
        shapes |= {f"blk.{block}.attn_{part}": (SIZE, SIZE) for part in ("q", "k", "v", "output")}
        shapes |= {f"blk.{block}.{part}_norm": (SIZE,) for part in ("attn", "ffn")}
        shapes |= {f"blk.{block}.ffn_{part}": (INNER, SIZE) for part in ("gate", "up")}
        shapes[f"blk.{block}.ffn_down"] = (SIZE, INNER)
    return shapes
