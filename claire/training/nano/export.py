"""nano as a GGUF file that llama.cpp reads: weights in blocks of 32 with one scale each (Q8_0), tokens, settings.

The only user of the package `gguf`.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
from tokenizers import Tokenizer
from transformers import Phi3ForCausalLM

from claire.core.files import appearing
from claire.training.nano.recipe import NanoRecipe
from claire.training.nano.run import get_id
from claire.training.nano.tokenizer import PAD, read_vocabulary

ARCHITECTURE = "phi3"
BLOCK_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_qkv": "self_attn.qkv_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_up": "mlp.gate_up_proj",
    "ffn_down": "mlp.down_proj",
}
"""Name of a tensor in GGUF -> its name in transformers; nothing is permuted."""


def list_tensors(layers: int) -> dict[str, str]:
    """Name of every tensor in GGUF -> its name in transformers; the output shares the weights of the embedding."""
    names = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
    for layer in range(layers):
        for ours, theirs in BLOCK_NAMES.items():
            names[f"blk.{layer}.{ours}.weight"] = f"model.layers.{layer}.{theirs}.weight"
    return names


def export_gguf(model: Phi3ForCausalLM, tokenizer: Tokenizer, recipe: NanoRecipe, path: Path) -> Path:
    """Write a model.

    Args:
        model: Trained.
        tokenizer: Its tokens.
        recipe: Of its training.
        path: Appears when it is complete.
    """
    weights = {name: value.detach().float().numpy() for name, value in model.state_dict().items()}
    with appearing(path) as partial:
        writer = gguf.GGUFWriter(partial, ARCHITECTURE)
        _add_settings(writer, recipe)
        _add_tokens(writer, tokenizer, recipe)
        for name, source in list_tensors(recipe.layers).items():
            values = np.ascontiguousarray(weights[source])
            if values.ndim == 1:
                writer.add_tensor(name, values)
            else:
                kind = gguf.GGMLQuantizationType.Q8_0
                writer.add_tensor(name, gguf.quantize(values, kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return path


def _add_settings(writer: gguf.GGUFWriter, recipe: NanoRecipe) -> None:
    width = recipe.hidden // recipe.heads
    writer.add_name(f"claire-{recipe.name}")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(2)
    writer.add_context_length(recipe.context)
    writer.add_rope_scaling_orig_ctx_len(recipe.context)
    writer.add_embedding_length(recipe.hidden)
    writer.add_feed_forward_length(recipe.feed_forward)
    writer.add_block_count(recipe.layers)
    writer.add_head_count(recipe.heads)
    writer.add_head_count_kv(recipe.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width)
    writer.add_rope_freq_base(10_000.0)
    writer.add_sliding_window(0)
    writer.add_vocab_size(recipe.vocabulary)


def _add_tokens(writer: gguf.GGUFWriter, tokenizer: Tokenizer, recipe: NanoRecipe) -> None:
    words = read_vocabulary(tokenizer, recipe.vocabulary)
    special = dict.fromkeys(words.controls, gguf.TokenType.CONTROL) | dict.fromkeys(
        words.slots, gguf.TokenType.USER_DEFINED
    )
    pad = get_id(tokenizer, PAD)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(list(words.tokens))
    writer.add_token_types([special.get(token, gguf.TokenType.NORMAL) for token in words.tokens])
    writer.add_token_merges(list(words.merges))
    writer.add_bos_token_id(pad)
    writer.add_eos_token_id(pad)
    writer.add_pad_token_id(pad)
    writer.add_unk_token_id(pad)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
