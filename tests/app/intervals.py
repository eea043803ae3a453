"""Whether what is printed can be true: each number stands for all that are rounded to it.

Plain text, and LaTeX of the kind that `app.equation` holds.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Interval:
    """All numbers from ``low`` to ``high``."""

    low: float
    high: float

    def of(self, *values):
        return Interval(min(values), max(values))

    def __add__(self, other):
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other):
        return Interval(self.low - other.high, self.high - other.low)

    def __neg__(self):
        return Interval(-self.high, -self.low)

    def __mul__(self, other):
        return self.of(*(a * b for a in (self.low, self.high) for b in (other.low, other.high)))

    def __truediv__(self, other):
        if other.low <= 0 <= other.high:  # a sum that is rounded to 0 says nothing
            return Interval(-math.inf, math.inf)
        return self * Interval(1 / other.high, 1 / other.low)

    def __pow__(self, other):
        ends = [a**b for a in (self.low, self.high) for b in (other.low, other.high)]
        within = [0.0] if self.low < 0 < self.high else []
        return self.of(*ends, *within)

    def meets(self, other) -> bool:
        slack = 1e-9 * max(1.0, abs(self.low), abs(other.low))
        return self.low <= other.high + slack and other.low <= self.high + slack


def number(text: str) -> Interval:
    """The interval of a printed number; a whole one is meant exactly."""
    value = float(text)
    room = 0.5 * 10.0 ** -len(text.partition(".")[2]) if "." in text else 0.0
    return Interval(value - room, value + room)


@cache  # the same texts stand there in hundreds of states
def value(text: str) -> Interval | None:
    """What an expression of numbers comes to; None where it has names or leaves something out."""
    text = text.replace(MINUS, "-").replace(TIMES, "*").replace("·", "*").replace(",", "")
    text = _powers_of_ten(text)
    text = re.sub(r"√(\d+)", r"sqrt(\1)", text).replace("−∞", "-inf").replace("½", "0.5 * 1 *")
    if re.search(r"\.\.\.|…|%|Σ|∞|\b(?!exp\b|tanh\b|sqrt\b|log\b|log2\b)[a-zA-Zα-ωŷ_]", text):
        return None
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return None
    try:
        return _value(tree, text.strip())
    except ValueError:  # names in other letters
        return None


def _value(node: ast.AST, text: str) -> Interval:
    match node:
        case ast.Constant():
            return number(ast.get_source_segment(text, node) or "")
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, text)
        case ast.UnaryOp(op=ast.UAdd()):
            return _value(node.operand, text)
        case ast.BinOp():
            a, b = _value(node.left, text), _value(node.right, text)
            kinds = {
                ast.Add: "__add__",
                ast.Sub: "__sub__",
                ast.Mult: "__mul__",
                ast.Div: "__truediv__",
                ast.Pow: "__pow__",
            }
            if type(node.op) not in kinds:
                raise ValueError(ast.dump(node))
            return getattr(a, kinds[type(node.op)])(b)
        case ast.Call(func=ast.Name(id=name), args=[inner]):
            at = _value(inner, text)
            if name.startswith("log") and at.low <= 0:  # of what is rounded to 0
                return Interval(-math.inf, getattr(math, name)(at.high) if at.high > 0 else -math.inf)
            if name == "sqrt":
                at = Interval(max(0.0, at.low), at.high)
            return Interval(getattr(math, name)(at.low), getattr(math, name)(at.high))  # all of them rise
    raise ValueError(ast.dump(node))


HIGH = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def _powers_of_ten(text: str) -> str:
    """``1.5·10⁻³`` as one number."""
    high = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
    return re.sub(rf"[·*]10([{high}]+)", lambda found: "e" + found.group(1).translate(HIGH), text)


def _argument(text: str, at: int) -> tuple[str, int]:
    """What stands in the braces that open at a place, and where they end; or the one sign that stands there."""
    if text[at] != "{":
        return text[at], at + 1
    depth = 0
    for end in range(at, len(text)):
        depth += (text[end] == "{") - (text[end] == "}")
        if depth == 0:
            return text[at + 1 : end], end + 1
    raise ValueError(text)


def plain(tex: str) -> str:
    r"""LaTeX as text that `value` reads: ``\frac{1}{\sqrt{4}}`` as ``((1) / (sqrt(4)))``."""
    for space in (r"\;", r"\,", r"\!", r"\:", r"\bigl", r"\bigr", r"\left", r"\right"):
        tex = tex.replace(space, " ")
    for sign, read in ((r"\cdot", "*"), (r"\times", "*"), (r"\approx", "="), (r"\qquad", ";"), (r"\quad", ";"),
                       (r"\to", ";"), (r"\ln", "log"), (r"\log_2", "log2"), (r"\exp", "exp"), (r"\tanh", "tanh"),
                       (r"\tfrac", r"\frac"), (r"\%", "/100")):  # fmt: skip
        tex = tex.replace(sign, read)
    while (at := tex.find(r"\frac")) >= 0:
        above, end = _argument(tex, at + 5)
        below, end = _argument(tex, end)
        tex = f"{tex[:at]}(({above}) / ({below})){tex[end:]}"
    while (at := tex.find(r"\sqrt")) >= 0:
        inner, end = _argument(tex, at + 5)
        tex = f"{tex[:at]}sqrt({inner}){tex[end:]}"
    while (at := tex.find("^")) >= 0:
        inner, end = _argument(tex, at + 1)
        if at and tex[at - 1] == "e" and not (at > 1 and tex[at - 2].isalnum()):
            tex = f"{tex[: at - 1]}exp({inner}){tex[end:]}"
        else:
            tex = f"{tex[:at]}**({inner}){tex[end:]}"
    return tex


def holds(lines: str) -> int:
    """Compare all sides that are numbers of printed chains of equations, apart by ``;``; how many were compared.

    Raises
    ------
    AssertionError
        Naming two sides that no numbers rounded so can make equal.
    """
    count = 0
    for chain in re.split(";|, |，|（|）", lines):
        parts = chain.split("=")
        if len(parts) == 1:
            continue
        sides = [(part.strip(), found) for part in parts if (found := value(part)) is not None]
        for (text, one), (again, other) in pairwise(sides):
            assert one.meets(other), f"{text} is not {again}, in: {lines}"
            count += 1
    return count
