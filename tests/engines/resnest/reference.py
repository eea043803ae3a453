"""ResNeSt computed another way, from a dictionary of timm's tensors: the independent reference.

Split attention is written in the paper's cardinality-major form, group by group in loops: group k holds its R splits
side by side, so that nothing of the module's radix-major layout is used but the order of the convolution's channels.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

EPS = 1e-5


def norm(x, p, key):
    """Batch norm with running statistics, by its formula."""
    shape = (1, -1, 1, 1)
    mean, var, weight, bias = (p[f"{key}.{n}"].view(shape) for n in ("running_mean", "running_var", "weight", "bias"))
    return (x - mean) / torch.sqrt(var + EPS) * weight + bias


def dense(rows, weight, bias):
    """Rows (B, in) times a matrix, number by number of the output."""
    return torch.stack([(rows * weight[o]).sum(1) + bias[o] for o in range(len(weight))], 1)


def split_attention(x, p, radix, groups, given=None):
    """Map (B, in, H, W) -> (B, C, H, W), weights (B, R, C); ``given`` (B, R, C) instead of the model's own weights."""
    batch, channels = x.shape[:2]
    out = p["conv.weight"].shape[0] // radix
    wide, narrow = out // groups, channels // (groups * radix)
    cells = {}  # (k, r) -> U_kr (B, C / G, H, W)
    for r in range(radix):
        for k in range(groups):
            number = r * groups + k  # of the convolution's groups
            kernel = p["conv.weight"][number * wide : (number + 1) * wide]
            cells[k, r] = F.conv2d(x[:, number * narrow : (number + 1) * narrow], kernel, padding=kernel.shape[-1] // 2)
    stacked = torch.cat([cells[k, r] for r in range(radix) for k in range(groups)], 1)
    stacked = norm(stacked, p, "bn0").clamp(min=0)
    for r in range(radix):
        for k in range(groups):
            first = (r * groups + k) * wide
            cells[k, r] = stacked[:, first : first + wide]
    inner = p["fc1.weight"].shape[0] // groups
    parts, weights = [], torch.zeros(batch, radix, out)
    for k in range(groups):
        total = sum(cells[k, r] for r in range(radix))
        pooled = total.flatten(2).sum(2) / total[0, 0].numel()  # (B, C / G)
        rows = slice(k * inner, (k + 1) * inner)
        hidden = dense(pooled, p["fc1.weight"][rows, :, 0, 0], p["fc1.bias"][rows])
        own = {f"bn1.{n}": p[f"bn1.{n}"][rows] for n in ("weight", "bias", "running_mean", "running_var")}
        hidden = norm(hidden[..., None, None], own, "bn1")[..., 0, 0].clamp(min=0)
        rows = slice(k * radix * wide, (k + 1) * radix * wide)
        scores = dense(hidden, p["fc2.weight"][rows, :, 0, 0], p["fc2.bias"][rows]).view(batch, radix, wide)
        if radix > 1:
            powers = torch.exp(scores - scores.max(1, keepdim=True).values)
            own_weights = powers / powers.sum(1, keepdim=True)
        else:
            own_weights = 1 / (1 + torch.exp(-scores))
        if given is not None:
            own_weights = given[:, :, k * wide : (k + 1) * wide]
        parts.append(sum(own_weights[:, r, :, None, None] * cells[k, r] for r in range(radix)))
        weights[:, :, k * wide : (k + 1) * wide] = own_weights
    return torch.cat(parts, 1), weights


def under(p, prefix):
    """The tensors below a name."""
    return {key.removeprefix(prefix): value for key, value in p.items() if key.startswith(prefix)}


def whole(x, p, config, given=None):
    """Pixels (B, 3, h, w) -> logits and the weights of every block; ``given`` maps blocks to weights (B, R, C)."""
    x = norm(F.conv2d(x, p["conv1.0.weight"], stride=config.stem_stride, padding=1), p, "conv1.1").clamp(min=0)
    x = norm(F.conv2d(x, p["conv1.3.weight"], padding=1), p, "conv1.4").clamp(min=0)
    x = norm(F.conv2d(x, p["conv1.6.weight"], padding=1), p, "bn1").clamp(min=0)
    if config.stem_pool:
        x = F.max_pool2d(x, 3, 2, 1)
    seen = []
    for stage, depth in enumerate(config.depths):
        for number in range(depth):
            q = under(p, f"layer{stage + 1}.{number}.")
            stride = 2 if stage and not number else 1
            y = norm(F.conv2d(x, q["conv1.weight"]), q, "bn1").clamp(min=0)
            if stride > 1 and config.pool_first:
                y = F.avg_pool2d(y, 3, stride, 1)
            y, weights = split_attention(
                y, under(q, "conv2."), config.radix, config.groups, (given or {}).get(len(seen))
            )
            if stride > 1 and not config.pool_first:
                y = F.avg_pool2d(y, 3, stride, 1)
            y = norm(F.conv2d(y, q["conv3.weight"]), q, "bn3")
            around = x
            if "downsample.1.weight" in q:
                if stride > 1:
                    around = F.avg_pool2d(x, 2, 2, ceil_mode=True, count_include_pad=False)
                around = norm(F.conv2d(around, q["downsample.1.weight"]), q, "downsample.2")
            x = (y + around).clamp(min=0)
            seen.append(weights)
    pooled = x.flatten(2).mean(2)
    return pooled @ p["fc.weight"].T + p["fc.bias"], seen
