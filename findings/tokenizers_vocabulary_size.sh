#!/usr/bin/env bash
# tokenizers 0.23.3: get_vocab_size() is the number of tokens, not the number of rows that an embedding needs.
#
# Expected: a tokenizer says how large its vocabulary is, and a table of that many rows holds each id it gives.
# Instead:  ids may have gaps (a vocabulary cut down to the words of one text keeps the ids that its weights know), and
#           gaps are not counted: the largest id is beyond the size. Saving and reading the file keeps ids and gaps, and
#           a token added later takes the size as its id, which another token may have: two texts, one id.
# Matters:  nn.Embedding(tokenizer.get_vocab_size(), d) raises an IndexError far from here, at the first text with a
#           late token; where a token was added, nothing is raised and two tokens share a row.
# Do:       size a table by max(tokenizer.get_vocab().values()) + 1, and see that ids differ after tokens were added.
#
# Seen: words 0 to 2 and 5 of an older vocabulary, then two tokens added, then saved and read:
#   size 4, largest id 5
#   size 6, ids [0, 1, 2, 4, 5, 5]; "sat" is [5], "<b>" is [5], and 5 is read as <b>
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check tokenizers==0.23.3
"$tmp/venv/bin/python" -I - <<'PY'
import sys

from tokenizers import Tokenizer
from tokenizers.models import WordLevel

made = Tokenizer(WordLevel({"[UNK]": 0, "the": 1, "cat": 2, "sat": 5}, unk_token="[UNK]"))
seen = [f"size {made.get_vocab_size()}, largest id {max(made.get_vocab().values())}"]
made.add_tokens(["<a>", "<b>"])
again = Tokenizer.from_str(made.to_str())
ids = sorted(again.get_vocab().values())
word, added = again.encode("sat").ids, again.encode("<b>").ids
seen.append(f'size {again.get_vocab_size()}, ids {ids}; "sat" is {word}, "<b>" is {added}, and 5 is read as {again.decode([5])}')
print("tokenizers 0.23.3, words 0 to 2 and 5, then two tokens added")
for line in seen:
    print(" ", line)
if seen != [
    "size 4, largest id 5",
    'size 6, ids [0, 1, 2, 4, 5, 5]; "sat" is [5], "<b>" is [5], and 5 is read as <b>',
]:
    sys.exit("this is not what was seen with 0.23.3")
PY
