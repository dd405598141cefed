"""The weights of a GGUF file in the Phi-3 of transformers."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import Phi3Config, Phi3ForCausalLM

from tests.reasoning.gguf_reader import read_gguf

NAMES = {
    "attn_norm": "input_layernorm",
    "attn_qkv": "self_attn.qkv_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_up": "mlp.gate_up_proj",
    "ffn_down": "mlp.down_proj",
}


def build_oracle(path: Path) -> Phi3ForCausalLM:
    found, tensors = read_gguf(path)
    config = Phi3Config(
        vocab_size=found["phi3.vocab_size"],
        hidden_size=found["phi3.embedding_length"],
        intermediate_size=found["phi3.feed_forward_length"],
        num_hidden_layers=found["phi3.block_count"],
        num_attention_heads=found["phi3.attention.head_count"],
        num_key_value_heads=found["phi3.attention.head_count_kv"],
        max_position_embeddings=found["phi3.context_length"],
        original_max_position_embeddings=found["phi3.context_length"],
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )
    weights = {
        "model.embed_tokens.weight": tensors["token_embd.weight"],
        "lm_head.weight": tensors["token_embd.weight"],
        "model.norm.weight": tensors["output_norm.weight"],
    }
    for name, values in tensors.items():
        if name.startswith("blk."):
            _, layer, part, _ = name.split(".")
            weights[f"model.layers.{layer}.{NAMES[part]}.weight"] = values
    network = Phi3ForCausalLM(config)
    network.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in weights.items()})
    return network.train(mode=False)


def predict(network: Phi3ForCausalLM, tokens: list[int]) -> list[int]:
    """The likeliest token after each."""
    with torch.no_grad():
        return network(input_ids=torch.tensor([tokens])).logits[0].argmax(dim=-1).tolist()
