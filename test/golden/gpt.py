"""Golden losses and gradients of a small GPT, from PyTorch on the CPU.

Run on Debian 12:  apt-get install -y python3-torch && /usr/bin/python3 test/golden/gpt.py > test/golden/gpt.json

Initial parameters and batches come from the same seeded generator as ours (shared/random.ts), written down here a second
time, so that nothing but seeds and results needs to be stored.
"""

import json
import math

import torch
import torch.nn.functional as F

MASK = 0xFFFFFFFF
TEXT = "Call me Ishmael. Some years ago - never mind how long precisely - having little or no money in my purse."
SEED, BATCH_SEED, STEPS, BATCH = 5, 77, 20, 3
SHAPE = {"layers": 2, "heads": 2, "width": 16, "context": 12, "vocabulary": 256}
CASES = [
    {"name": "learned positions, LayerNorm, AdamW, clipped", "positions": "learned", "norm": "layer",
     "kind": "adamw", "learningRate": 3e-3, "weightDecay": 0.1, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "gradientClip": 1.0},
    {"name": "rotary positions, RMSNorm, AdamW, not clipped", "positions": "rotary", "norm": "rms",
     "kind": "adamw", "learningRate": 3e-3, "weightDecay": 0.0, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8, "gradientClip": 0.0},
    {"name": "learned positions, LayerNorm, SGD, clipped", "positions": "learned", "norm": "layer",
     "kind": "sgd", "learningRate": 0.5, "weightDecay": 0.0, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "gradientClip": 0.5},
    {"name": "rotary positions, LayerNorm, SGD, not clipped", "positions": "rotary", "norm": "layer",
     "kind": "sgd", "learningRate": 0.5, "weightDecay": 0.0, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "gradientClip": 0.0},
]


def rotate_left(x, bits):
    return ((x << bits) | (x >> (32 - bits))) & MASK


def mix(x):
    x &= MASK
    x = ((x ^ (x >> 16)) * 0x21F0AAAD) & MASK
    x = ((x ^ (x >> 15)) * 0x735A2D97) & MASK
    return x ^ (x >> 15)


class Random:
    """xoshiro128** seeded as in shared/random.ts."""

    def __init__(self, *seeds):
        counter = len(seeds)
        for seed in seeds:
            counter = mix(counter + 0x9E3779B9) ^ seed
        self.s = [mix(counter + (i + 1) * 0x9E3779B9) for i in range(4)]

    def uint32(self):
        s = self.s
        result = (rotate_left((s[1] * 5) & MASK, 7) * 9) & MASK
        t = (s[1] << 9) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate_left(s[3], 11)
        return result

    def below(self, n):
        limit = 2**32 - 2**32 % n
        value = self.uint32()
        while value >= limit:
            value = self.uint32()
        return value % n

    def normal(self):
        total = -6.0
        for _ in range(12):
            total += self.uint32() / 2**32
        return total


def parameter_shapes(case):
    c, bias = SHAPE["width"], case["norm"] == "layer"
    norm = lambda name: [(f"{name}.weight", [c])] + ([(f"{name}.bias", [c])] if bias else [])
    linear = lambda name, i, o: [(f"{name}.weight", [i, o]), (f"{name}.bias", [o])]
    shapes = [("transformer.wte.weight", [SHAPE["vocabulary"], c])]
    if case["positions"] == "learned":
        shapes.append(("transformer.wpe.weight", [SHAPE["context"], c]))
    for i in range(SHAPE["layers"]):
        h = f"transformer.h.{i}"
        shapes += norm(f"{h}.ln_1") + linear(f"{h}.attn.c_attn", c, 3 * c) + linear(f"{h}.attn.c_proj", c, c)
        shapes += norm(f"{h}.ln_2") + linear(f"{h}.mlp.c_fc", c, 4 * c) + linear(f"{h}.mlp.c_proj", 4 * c, c)
    return shapes + norm("transformer.ln_f")


def initial_parameters(case):
    parameters = {}
    for index, (name, shape) in enumerate(parameter_shapes(case)):
        count = math.prod(shape)
        if ".ln_" in name and name.endswith("weight"):
            values = [1.0] * count
        elif name.endswith("bias"):
            values = [0.0] * count
        else:
            deviation = 0.02 * math.sqrt(768 / SHAPE["width"]) / (math.sqrt(2 * SHAPE["layers"]) if "c_proj" in name else 1)
            random = Random(SEED, 0x696E6974, index)
            values = [deviation * random.normal() for _ in range(count)]
        parameters[name] = torch.tensor(values, dtype=torch.float64).float().reshape(shape).requires_grad_()
    return parameters


def norm(case, p, name, x):
    if case["norm"] == "layer":
        return F.layer_norm(x, x.shape[-1:], p[f"{name}.weight"], p[f"{name}.bias"], 1e-5)
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * p[f"{name}.weight"]


def linear(p, name, x):
    return x @ p[f"{name}.weight"] + p[f"{name}.bias"]


def rotary(x):  # [B, H, T, D], pairs (i, i + D/2)
    t, d = x.shape[-2:]
    angles = torch.outer(torch.arange(t).float(), 10000.0 ** (-torch.arange(0, d, 2).float() / d))
    cos, sin = angles.cos(), angles.sin()
    a, b = x[..., : d // 2], x[..., d // 2 :]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def attention(case, p, name, x):
    b, t, c = x.shape
    q, k, v = [
        part.view(b, t, SHAPE["heads"], -1).transpose(1, 2) for part in linear(p, f"{name}.c_attn", x).split(c, -1)
    ]
    if case["positions"] == "rotary":
        q, k = rotary(q), rotary(k)
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    scores = scores.masked_fill(torch.ones(t, t).triu(1).bool(), float("-inf"))
    return linear(p, f"{name}.c_proj", (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, c))


def gpt_loss(case, p, tokens, targets):
    x = p["transformer.wte.weight"][tokens]
    if case["positions"] == "learned":
        x = x + p["transformer.wpe.weight"]
    for i in range(SHAPE["layers"]):
        h = f"transformer.h.{i}"
        x = x + attention(case, p, f"{h}.attn", norm(case, p, f"{h}.ln_1", x))
        inner = linear(p, f"{h}.mlp.c_fc", norm(case, p, f"{h}.ln_2", x))
        inner = 0.5 * inner * (1 + torch.tanh(math.sqrt(2 / math.pi) * (inner + 0.044715 * inner**3)))
        x = x + linear(p, f"{h}.mlp.c_proj", inner)
    logits = norm(case, p, "transformer.ln_f", x) @ p["transformer.wte.weight"].T
    return F.cross_entropy(logits.view(-1, SHAPE["vocabulary"]), targets.view(-1))


def make_optimizer(case, parameters):
    if case["kind"] == "sgd":
        return torch.optim.SGD(parameters.values(), lr=case["learningRate"])
    groups = [
        {"params": [x for x in parameters.values() if x.dim() > 1], "weight_decay": case["weightDecay"]},
        {"params": [x for x in parameters.values() if x.dim() == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=case["learningRate"], betas=(case["beta1"], case["beta2"]), eps=case["epsilon"])


def batch(random, data):
    context = SHAPE["context"]
    starts = [random.below(len(data) - context) for _ in range(BATCH)]
    rows = [data[start : start + context + 1] for start in starts]
    return torch.tensor([row[:-1] for row in rows]), torch.tensor([row[1:] for row in rows])


def describe_gradient(gradient):
    flat = gradient.flatten()
    at = sorted({0, len(flat) // 3, len(flat) // 2, len(flat) - 1})
    return {"norm": flat.norm().item(), "at": at, "values": [flat[i].item() for i in at]}


def run(case):
    data = list(TEXT.encode())
    parameters = initial_parameters(case)
    optimizer = make_optimizer(case, parameters)
    random = Random(BATCH_SEED)
    losses, gradients, norms = [], {}, []
    for step in range(STEPS):
        loss = gpt_loss(case, parameters, *batch(random, data))
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            gradients = {name: describe_gradient(x.grad) for name, x in parameters.items()}
        norms.append(math.sqrt(sum(x.grad.double().square().sum().item() for x in parameters.values())))
        if case["gradientClip"] > 0:
            torch.nn.utils.clip_grad_norm_(parameters.values(), case["gradientClip"])
        optimizer.step()
        losses.append(loss.item())
    return {**case, "losses": losses, "gradientNorms": norms, "gradients": gradients}


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    torch.set_num_threads(1)
    common = {"torch": torch.__version__, "text": TEXT, "seed": SEED, "batchSeed": BATCH_SEED, "batchSize": BATCH, **SHAPE}
    print(json.dumps({**common, "cases": [rounded(run(case)) for case in CASES]}, indent=1))
