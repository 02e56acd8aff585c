"""Tiny models of Hugging Face's transformers with random weights, as folders under models/, and what they compute: logits,
loss, gradients, losses and parameters of AdamW steps, in expected.json. models.test.ts holds the product against them.
Run: python3 models.py (torch 2.13, transformers 5.18, tokenizers 0.23 made what is committed)."""

import json
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers import Qwen2Config, Qwen2ForCausalLM

TEXT = (
    "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse, and nothing "
    "particular to interest me on shore, I thought I would sail about a little and see the watery part of the world. "
)
SPOKEN = TEXT[:120] + "\n\n  It's 1851: “Überseeschiff”, 鯨 and 🐋!<|endoftext|>The end."
VOCABULARY, BATCH, TIME, STEPS = 288, 2, 16, 5
# GPT-2's key biases change nothing, so that their gradient is rounding noise; this epsilon keeps AdamW from enlarging it.
ADAMW = {"learningRate": 1e-2, "weightDecay": 0.1, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-5}
LLAMA = dict(
    vocab_size=VOCABULARY, hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=32, bos_token_id=None, eos_token_id=0,
)
MODELS = {
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config(
        vocab_size=VOCABULARY, n_positions=24, n_embd=16, n_layer=2, n_head=2, resid_pdrop=0, embd_pdrop=0,
        attn_pdrop=0, bos_token_id=0, eos_token_id=0)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(
        **LLAMA, num_key_value_heads=2, head_dim=8, rms_norm_eps=1e-5, tie_word_embeddings=False, rope_parameters={
            "rope_type": "llama3", "rope_theta": 100.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 28})),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(
        **LLAMA, num_key_value_heads=1, rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        tie_word_embeddings=True)),
}


def train_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([TEXT], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>")


def describe(tensor):
    flat = tensor.detach().flatten()
    at = sorted({0, len(flat) // 3, len(flat) // 2, len(flat) - 1})
    return {"norm": flat.norm().item(), "at": at, "values": [flat[i].item() for i in at]}


def run(model, tokens):
    """Values before the first step, then AdamW: matrices decay, vectors do not."""
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    parameters = dict(model.named_parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in parameters.values() if p.dim() > 1], "weight_decay": ADAMW["weightDecay"]},
            {"params": [p for p in parameters.values() if p.dim() == 1], "weight_decay": 0.0},
        ],
        lr=ADAMW["learningRate"], betas=(ADAMW["beta1"], ADAMW["beta2"]), eps=ADAMW["epsilon"])
    losses = []
    for step in range(STEPS):
        logits = model(inputs).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            first = logits[-1, -1].tolist()
            gradients = {name: describe(p.grad) for name, p in parameters.items()}
        optimizer.step()
        losses.append(loss.item())
    trained = {name: describe(p) for name, p in parameters.items()}
    return {"lastLogits": first, "losses": losses, "gradients": gradients, "trained": trained}


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    torch.set_num_threads(1)
    out = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "models")
    tokenizer = train_tokenizer()
    ids = tokenizer.encode(TEXT)
    tokens = torch.tensor([ids[i * 20 : i * 20 + TIME + 1] for i in range(BATCH)])
    expected = {"adamw": ADAMW, "text": SPOKEN, "ids": tokenizer.encode(SPOKEN), "tokens": tokens.tolist(), "models": {}}
    for seed, (name, make) in enumerate(MODELS.items()):
        torch.manual_seed(seed)
        model = make().eval()
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, mean=1.0 if parameter.dim() == 1 else 0.0, std=0.2)
        model.save_pretrained(out / name)
        tokenizer.save_pretrained(out / name)
        expected["models"][name] = run(model, tokens)
    (out / "expected.json").write_text(json.dumps(rounded(expected)) + "\n")
