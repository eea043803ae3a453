"""What the page Maths says: of each step, of a cell's place, of the sizes, of the attention that is looked at."""

from __future__ import annotations

from app.tabs.transformer.labwords import spoken
from app.tabs.transformer.maths.backlines import fine
from app.tabs.transformer.maths.steps import Step, Table
from engines.core.errors import Message
from engines.transformer.maths.spec import Walked
from engines.transformer.switches import CROSS, DECODER

NOTES = {
    "Sum0": "The embedding of each token, scaled, plus its position",
    "Queries": "What each token looks for",
    "Keys": "What each token can be found by",
    "Values": "What each token hands over",
    "Scores": "Each query with each key, over √d",
    "Softmax": "Each row becomes weights that sum to 1",
    "Head": "The values, mixed by the weights",
    "Concat": "All heads side by side, mixed by W_o",
    "Sum": "The residual connection: the input is added",
    "Norm": "Mean 0 and standard deviation 1, then gain and bias",
    "Hidden": "Per position; below 0 becomes 0",
    "Out": "Back to the width of the model",
    "Logits": "A score for each token that could come next",
    "Probabilities": "Softmax over the vocabulary",
}


def inner(now: Step) -> int:
    """Terms of the sum behind each cell; 0 where there is none."""
    return now.left.values.shape[1] if now.left.axes == "ik" else 0


def named(table: Table, at: int) -> str:
    """A row's name with its number: two rows may have the same token."""
    return f"{at + 1} {table.rows[at]}" if at < len(table.rows) else str(at + 1)


def column(table: Table, at: int) -> str:
    """A column's name; a number is enough where it is one."""
    name = table.cols[at] if at < len(table.cols) else str(at + 1)
    return name if name == str(at + 1) else f"{at + 1} {name}"


def sizes(seen: Walked) -> tuple[Message, ...]:
    """What the letters of the formulas stand for."""
    a, queries, keys = seen.arrays, len(seen.queries), len(seen.keys)
    return (
        Message("{n} {n:query|queries}, {m} {m:key|keys}", {"n": queries, "m": keys}),
        Message("Width E = {n}", {"n": a["x"].shape[1]}),
        Message("Heads H = {n}, each d = {d}", {"n": seen.heads, "d": a["queries"].shape[2]}),
        Message("Inside the FFN: {n}", {"n": a["w_1"].shape[1]}),
        Message("Vocabulary of the target: {n}", {"n": len(seen.words)}),
    )


def about_loss(seen: Walked) -> Message:
    """Whose gradients are shown."""
    label = str(spoken((seen.label,))[0])
    loss = fine(seen.loss)
    return Message("L = −log p({label}) = {loss} at place {n}", {"label": label, "loss": loss, "n": seen.place + 1})


def about(seen: Walked) -> Message:
    """What is walked through, in a sentence or two."""
    if not seen.trained:
        return Message("No weights yet: the values are random.")
    if seen.at[0] == CROSS:
        return Message("Queries come from the target, keys and values from the encoder.")
    if seen.at[0] == DECODER:
        return Message("The mask hides later tokens. Between this attention and the FFN stands the cross-attention.")
    return Message("Every source token attends to every other one. The logits come from the decoder.")
