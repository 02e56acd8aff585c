"""A tiny Qwen3 with random weights under models/qwen3, and what it computes, in models/expected-qwen3.json, laid out as expected.json.
This is NOT transformers' output: a second implementation in numpy, float64, written from the paper and the published model code
(Qwen3: arXiv:2505.09388). Gradients are central differences of its forward pass, so that nothing is derived twice the same way.
Run: python3 qwen3.py (numpy 2.4 made what is committed; four minutes)."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent / "models"
GOLDEN = json.loads((HERE / "expected.json").read_text())
ADAMW, STEPS = GOLDEN["adamw"], 5
V, C, F, LAYERS, H, K, D, EPSILON, THETA = 288, 12, 16, 2, 4, 2, 8, 1e-6, 1e6  # H * D is not C: heads have a size of their own
CONFIG = {
    "architectures": ["Qwen3ForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": None,
    "dtype": "float32", "eos_token_id": 0, "head_dim": D, "hidden_act": "silu", "hidden_size": C, "initializer_range": 0.02,
    "intermediate_size": F, "layer_types": ["full_attention"] * LAYERS, "max_position_embeddings": 32,
    "max_window_layers": 28, "model_type": "qwen3", "num_attention_heads": H, "num_hidden_layers": LAYERS,
    "num_key_value_heads": K, "pad_token_id": None, "rms_norm_eps": EPSILON,
    "rope_parameters": {"rope_theta": THETA, "rope_type": "default"}, "sliding_window": None, "tie_word_embeddings": True,
    "use_cache": True, "use_sliding_window": False, "vocab_size": V,
}


def shapes():
    yield "model.embed_tokens.weight", (V, C)
    for i in range(LAYERS):
        layer, attention = f"model.layers.{i}", f"model.layers.{i}.self_attn"
        yield f"{layer}.input_layernorm.weight", (C,)
        for name, heads in (("q", H), ("k", K), ("v", K)):
            yield f"{attention}.{name}_proj.weight", (heads * D, C)
        yield f"{attention}.o_proj.weight", (C, H * D)
        yield f"{attention}.q_norm.weight", (D,)
        yield f"{attention}.k_norm.weight", (D,)
        yield f"{layer}.post_attention_layernorm.weight", (C,)
        yield f"{layer}.mlp.gate_proj.weight", (F, C)
        yield f"{layer}.mlp.up_proj.weight", (F, C)
        yield f"{layer}.mlp.down_proj.weight", (C, F)
    yield "model.norm.weight", (C,)


def rms(x, gain):
    return gain * x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON)


def turn(x):
    """Rotary positions of x [B, T, heads, D]: element i with element i + D / 2."""
    angle = np.outer(np.arange(x.shape[1]), THETA ** (-2.0 * np.arange(D // 2) / D))[None, :, None]
    near, far = x[..., : D // 2], x[..., D // 2 :]
    return np.concatenate([near * np.cos(angle) - far * np.sin(angle), far * np.cos(angle) + near * np.sin(angle)], -1)


def attend(x, w):
    batch, time, _ = x.shape
    q, k, v = ((x @ w[f"{name}_proj.weight"].T).reshape(batch, time, heads, D) for name, heads in (("q", H), ("k", K), ("v", K)))
    q, k = turn(rms(q, w["q_norm.weight"])), turn(rms(k, w["k_norm.weight"]))
    k, v = (np.repeat(part, H // K, axis=2) for part in (k, v))
    scores = np.einsum("bqhd,bkhd->bhqk", q, k) / np.sqrt(D)
    scores = np.where(np.tril(np.ones((time, time), bool)), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return np.einsum("bhqk,bkhd->bqhd", weights, v).reshape(batch, time, H * D) @ w["o_proj.weight"].T


def logits_of(w, tokens):
    x = w["model.embed_tokens.weight"][tokens]
    for i in range(LAYERS):
        layer = f"model.layers.{i}."
        own = {name[len(layer) + 10 :]: value for name, value in w.items() if name.startswith(layer + "self_attn.")}
        x = x + attend(rms(x, w[layer + "input_layernorm.weight"]), own)
        normed = rms(x, w[layer + "post_attention_layernorm.weight"])
        gate = normed @ w[layer + "mlp.gate_proj.weight"].T
        x = x + (gate / (1 + np.exp(-gate)) * (normed @ w[layer + "mlp.up_proj.weight"].T)) @ w[layer + "mlp.down_proj.weight"].T
    return rms(x, w["model.norm.weight"]) @ w["model.embed_tokens.weight"].T


def loss_of(w, tokens):
    logits = logits_of(w, tokens[:, :-1])
    highest = logits.max(-1, keepdims=True)
    lse = (highest + np.log(np.exp(logits - highest).sum(-1, keepdims=True)))[..., 0]
    return (lse - np.take_along_axis(logits, tokens[:, 1:, None], -1)[..., 0]).mean()


def gradients_of(w, tokens, h=1e-5):
    gradients = {}
    for name, value in w.items():
        flat, slopes = value.reshape(-1), np.empty(value.size)
        for i, kept in enumerate(flat.copy()):
            flat[i] = kept + h
            above = loss_of(w, tokens)
            flat[i] = kept - h
            slopes[i] = (above - loss_of(w, tokens)) / (2 * h)
            flat[i] = kept
        gradients[name] = slopes.reshape(value.shape)
    return gradients


def describe(array):
    flat = array.reshape(-1)
    at = sorted({0, len(flat) // 3, len(flat) // 2, len(flat) - 1})
    return {"norm": rounded(np.linalg.norm(flat)), "at": at, "values": [rounded(flat[i]) for i in at]}


def rounded(value):
    return float(f"{value:.7g}")


def save(w):
    out = HERE / "qwen3"
    out.mkdir(exist_ok=True)
    (out / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        shutil.copy(HERE / "qwen2" / name, out / name)
    header, at, body = {"__metadata__": {"format": "pt"}}, 0, b""
    for name, value in sorted(w.items()):
        data = value.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [at, at + len(data)]}
        at, body = at + len(data), body + data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (out / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + body)


if __name__ == "__main__":
    random = np.random.default_rng(3)
    weights = {}
    for name, shape in shapes():
        drawn = random.normal(1.0 if len(shape) == 1 else 0.0, 0.2, shape)
        weights[name] = drawn.astype(np.float32).astype(np.float64)
    save(weights)
    tokens = np.array(GOLDEN["tokens"])
    first = logits_of(weights, tokens[:, :-1])[-1, -1]
    losses, moments = [], {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in weights.items()}
    for step in range(STEPS):
        losses.append(rounded(loss_of(weights, tokens)))
        slopes = gradients_of(weights, tokens)
        if step == 0:
            gradients = {name: describe(value) for name, value in slopes.items()}
        for name, value in weights.items():
            mean, variance = moments[name]
            mean[:] = ADAMW["beta1"] * mean + (1 - ADAMW["beta1"]) * slopes[name]
            variance[:] = ADAMW["beta2"] * variance + (1 - ADAMW["beta2"]) * slopes[name] ** 2
            corrected = np.sqrt(variance / (1 - ADAMW["beta2"] ** (step + 1))) + ADAMW["epsilon"]
            decay = ADAMW["weightDecay"] if value.ndim > 1 else 0.0
            value *= 1 - ADAMW["learningRate"] * decay
            value -= ADAMW["learningRate"] / (1 - ADAMW["beta1"] ** (step + 1)) * mean / corrected
    trained = {name: describe(value) for name, value in weights.items()}
    model = {"lastLogits": [rounded(value) for value in first], "losses": losses, "gradients": gradients, "trained": trained}
    (HERE / "expected-qwen3.json").write_text(json.dumps(model) + "\n")
