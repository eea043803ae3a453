#!/usr/bin/env bash
# transformers 5.24.0: `auxiliary_loss` of DETR, a setting of the training, changes what the model answers.
#
# Expected: the decoder's layers are the same; with the setting, the states between them are kept for further losses.
# Instead:  each state is normed in order to be kept, and the next layer goes on with the normed one; the last is normed
#           twice, so that even a decoder of one layer answers something else.
# Matters:  weights trained with the setting and read without it, or the other way, answer something else in evaluation,
#           without a word: no loss is computed there, and the keys of both are the same.
# Do:       norm a copy for the losses. When reading a folder, take `auxiliary_loss` for a part of the architecture.
#
# Seen: width 32, a norm whose factors lie between 0.5 and 2: logits differ by 0.035 with one decoder layer, 0.209 with 3.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check "torch==2.13.0" "transformers==5.24.0" "numpy==2.4.6"
"$tmp/venv/bin/python" -I - <<'PY'
import sys

import torch
from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig


def made(auxiliary_loss, layers):
    torch.manual_seed(0)
    body = ResNetConfig(embedding_size=8, hidden_sizes=[8, 8, 8, 16], depths=[1] * 4, out_features=["stage4"])
    config = DetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=body, d_model=32,
        encoder_layers=1, decoder_layers=layers, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=32, decoder_ffn_dim=32, num_queries=5, num_labels=3, auxiliary_loss=auxiliary_loss,
    )
    net = DetrForObjectDetection(config).eval()
    with torch.no_grad():  # a trained norm is not the identity
        net.model.decoder.layernorm.weight.uniform_(0.5, 2)
        net.model.decoder.layernorm.bias.uniform_(-0.5, 0.5)
    return net


far = {}
for layers in (1, 3):
    without, wanted = made(False, layers), made(True, layers)
    wanted.load_state_dict(without.state_dict())
    with torch.no_grad():
        picture = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
        far[layers] = float((without(picture).logits - wanted(picture).logits).abs().max())
    print(f"{layers} decoder layers: logits with and without auxiliary_loss differ by {far[layers]:.3f}")
sys.exit(0 if far[3] > 0.01 else "no longer so")
PY
