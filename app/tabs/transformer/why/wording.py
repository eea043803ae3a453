"""What the page Why says: of each claim, its numbers and formulas; and which part of the model is called what."""

from __future__ import annotations

import numpy as np

from app import words
from app.plots.depthplot import share
from app.tabs.transformer.labwords import above, place_name, state_name, tiny
from app.tabs.transformer.why.tex import QUERY_BIAS, TEX
from app.views.formula import Line
from app.views.verdicts import Finding
from app.words import Text, known
from engines.blocks import naming
from engines.blocks.naming import ATTENTION, BIAS, EMBEDDING, FFN, POSITIONS
from engines.core.errors import Message
from engines.transformer.switches import DECODER_FFN, ENCODER_FFN, Place
from engines.transformer.why import spec
from engines.transformer.why.spec import (
    COLLAPSE,
    KERNEL,
    KEYS,
    MATRICES,
    ONLY,
    ROTATION,
    SENTENCE,
    SOFTMAX,
    SPHERE,
    STREAM,
    TEXT,
    TO_QUERIES,
    VARIANCE,
    WHOLE,
    Claim,
    Reasons,
    WhyParams,
)

#: What the numbers must stay below; ten times that where all is in single precision.
NOTHING = {KEYS: 1.2e-6, MATRICES: 9.5e-6, STREAM: 1.2e-5, SPHERE: 8.5e-6, KERNEL: 3e-7, ROTATION: 3.5e-6,
           SOFTMAX: 7.5e-8}  # fmt: skip
SINGLE = 10.0
MOVES, COLLAPSED = 1e-3, 1e-4
LOUD = 1.0  #: noise from which on a bias of the queries must be seen
LONG = 6  #: layers after which it has collapsed
ABOUT = {
    KEYS: "A bias of the keys moves all scores of a row alike, and softmax ignores what all share. A bias of the "
    "queries weighs each key by itself.",
    MATRICES: "Queries and keys only ever meet as W_Q W_Kᵀ, values and output as W_V W_O. Both have rank d at most, "
    "and what the heads add is summed.",
    STREAM: "Each sublayer adds to the stream. With the deviation of each normalization held, a logit is the sum of "
    "what the embedding, each head and each FFN write. (Elhage 2021)",
    COLLAPSE: "Attention averages tokens. Without skips, what makes them differ falls doubly exponentially with depth. "
    "(Dong 2021)",
    SPHERE: "LayerNorm takes the mean off and brings each token to the length √E: what is left is a direction. The "
    "size of the input no longer matters.",
    KERNEL: "With keys of one length, softmax of dot products is the regression of Nadaraya and Watson with a Gaussian "
    "kernel, σ² = √d: where the topic began.",
    ROTATION: "A pair of sine and cosine turns by the same angle wherever it starts, so attention can learn to look so "
    "many places back.",
    SOFTMAX: "How a weight moves with its score is a (1 − a). Towards 0 or 1 nothing moves any more, and nothing is "
    "learned. That is what 1/√d prevents.",
    VARIANCE: "A net with random weights: how large activations and gradients are at each layer. Pre-norm lets the "
    "stream grow and the gradient through, post-norm holds the stream and shrinks the gradient. (Xiong 2020)",
}
ANSWERS = {
    naming.NEXT: "Its answers are the logits of the pieces that are likeliest to come next.",
    naming.SENTENCE: "Its answer is the cosine of this sentence's vector with that of another (B), or with itself (A). "
    "The vector's length is held as the deviations are, so the sum is exact.",
}
NAMES = {
    KEYS: "Key bias", MATRICES: "Rank", STREAM: "Sum off by", COLLAPSE: "Attention alone", SPHERE: "Length off by",
    KERNEL: "Difference", ROTATION: "Difference", SOFTMAX: "Off by", VARIANCE: "Gradients",
}  # fmt: skip


def finding(name: str, claim: Claim | None, params: WhyParams, exact: bool = True) -> Finding:
    """The number of a claim; its name alone while nothing is known."""
    nothing = NOTHING.get(name, 0.0) * (1.0 if exact else SINGLE)
    if name == KEYS and not exact:
        nothing *= max(1.0, params.noise)  # what is rounded are scores that the noise has moved
    text = Message("Query bias" if name == KEYS and params.added_to == TO_QUERIES else NAMES[name])
    if claim is None:
        return Finding(text, "")
    of = claim.values
    match name:
        case spec.KEYS if params.added_to == TO_QUERIES:
            moves = of["queries"] > MOVES
            return Finding(text, above(of["queries"], MOVES), moves or (False if params.noise >= LOUD else None))
        case spec.KEYS:
            return Finding(text, tiny(of["keys"]), of["keys"] < nothing)
        case spec.MATRICES:
            ok = of["apart"] < nothing * max(1.0, of["largest"])
            return Finding(text, f"{words.number(of['rank'])} ≤ {words.number(of['size'])}", ok)
        case spec.COLLAPSE:
            due = params.layers_deep >= LONG and not of["masked"]
            return Finding(text, tiny(of[ONLY]), of[ONLY] < COLLAPSED or (False if due else None))
        case spec.KERNEL:
            return Finding(text, tiny(of["apart"]), of["apart"] < nothing if params.equal else None)
        case spec.ROTATION:
            return Finding(text, tiny(of["apart"]), of["apart"] < nothing if params.sine else None)
        case spec.VARIANCE:
            return Finding(text, f"× {share(of['gradients'])}")
    return Finding(text, tiny(of["apart"]), of["apart"] < nothing)


def lines(name: str, seen: Reasons, params: WhyParams, token: int, answer: int) -> list[Line]:
    """The formulas of a claim with its numbers."""
    claim = seen.claims[name]
    of, tex = claim.values, TEX[name]
    if name == KEYS and params.added_to == TO_QUERIES:
        tex = QUERY_BIAS
    said = {key: words.number(value, 2) for key, value in of.items()}
    match name:
        case spec.KEYS:
            said |= {key: words.number(of[key], 4) for key in ("before", "after")}
        case spec.MATRICES:
            said |= {"rank": words.number(of["rank"]), "size": words.number(of["size"]),
                     "participation": words.number(of["participation"], 1)}  # fmt: skip
        case spec.STREAM:
            said = groups(seen, token, answer)
        case spec.COLLAPSE:
            layers = words.number(params.layers_deep)
            said = {"layers": layers, "layers2": layers, "last": share(of[ONLY]), "whole": words.number(of[WHOLE], 2),
                    "first": words.number(float(claim.arrays[ONLY][0]), 2)}  # fmt: skip
        case spec.SPHERE:
            said |= {key: words.number(of[key], 4) for key in ("length", "radius")}
        case spec.KERNEL:
            said |= {key: words.number(of[key], 4) for key in ("weight", "kernel")}
        case spec.ROTATION:
            said = {key: words.number(value, 3) for key, value in of.items()}
        case spec.SOFTMAX:
            said = {key: words.number(value, 4) for key, value in of.items()}
            said["top2"] = said["top"]
        case spec.VARIANCE:
            said = {key: share(value) for key, value in of.items()}
    return [Line(one, said) for one in tex]


def answer_of(seen: Reasons, token: int, wanted: int) -> int:
    """The answer that is looked at: the one that was chosen, or the model's own; of sentences the other one."""
    if wanted < 0 and seen.answered == naming.SENTENCE:
        return 0
    logits = seen.claims[STREAM].arrays["logits"][token]
    return wanted if 0 <= wanted < len(logits) else int(logits.argmax())


def groups(seen: Reasons, token: int, answer: int) -> dict[str, str]:
    """What embedding, heads, FFN and biases add to a logit, summed by their kind."""
    claim = seen.claims[STREAM]
    added = claim.arrays["parts"][:, token, answer]
    kinds = {EMBEDDING: "e", POSITIONS: "e", BIAS: "bias", FFN: "ffn", ENCODER_FFN: "ffn", DECODER_FFN: "ffn"}
    sums = dict.fromkeys(("e", "heads", "ffn", "bias"), 0.0)
    for (kind, _, _), value in zip(claim.parts, added.tolist(), strict=True):
        sums[kinds.get(kind, "heads")] += value
    logit = float(claim.arrays["logits"][token, answer])
    return {key: words.number(value, 2) for key, value in (sums | {"sum": float(added.sum()), "logit": logit}).items()}


def part_name(part: tuple[str, int, int]) -> Text:
    """A part of the stream; layers and heads are counted from 1."""
    kind, layer, head = part
    match kind:
        case naming.EMBEDDING:
            return Message("Embedding")
        case naming.POSITIONS:
            return Message("Positions")
        case naming.BIAS:
            return Message("Biases")
        case naming.FFN:
            return Message("Layer {n}, MLP", {"n": layer + 1})
    if head < 0:
        return place_name((kind, layer))
    return Message("{place} H{n}", {"place": where((kind, layer)), "n": head + 1})


def where(place: Place) -> Message:
    """An attention, of a Transformer or of a ViT."""
    return Message("Layer {n}", {"n": place[1] + 1}) if place[0] == ATTENTION else place_name(place)


def strongest(values: np.ndarray, most: int) -> np.ndarray:
    """Places of the numbers (n,) of largest size, the largest first."""
    return np.argsort(-np.abs(values), kind="stable")[:most]


def told(seen: Reasons) -> Message:
    """Whose numbers they are."""
    if seen.subject == TEXT:
        said = {"task": Message(seen.title), "state": state_name(seen.step)}
        if not seen.trained:
            return Message("No weights yet: the values are random.")
        return Message("{task}: {state}. In double precision.", said)
    names = {"title": called(seen.title), "photo": called(seen.photo)}
    if seen.subject == SENTENCE:
        said = {"title": names["title"], "answer": Message(ANSWERS[seen.answered])}
        if seen.exact:
            return Message("{title} on your sentence, in double precision. {answer}", said)
        return Message("{title} on your sentence, in single precision. {answer}", said)
    if seen.exact:
        return Message("{title} on {photo}. In double precision.", names)
    return Message("{title} on {photo}. In single precision.", names)


def called(name: str) -> Message:
    """A name inside of a sentence, in the language in use where there is one."""
    text = known(name)
    return text if isinstance(text, Message) else Message(text)
