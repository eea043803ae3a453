"""The page "In numbers": one query and one key of a head, from their numbers to what the head hands on."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import Card
from app.shell import Shell
from app.tabs.self_attention.language import LanguageForm, LanguagePage, short
from app.theme import BODY, S1, S3
from app.topic.feed import Feed
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.photomap import weight_percent
from app.views.scoregrid import ScoreGrid
from app.views.tokenmap import TokenMap
from app.widgets import box, col, label, quiet, row
from app.words import Text
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.self_attention.in_numbers.spec import NumbersAnswer, NumbersParams

FIELDS = ("layer", "head", "temperature", "scope")
STRONGEST = 4  #: keys whose share of the sum has a row of its own


class InNumbersPage(LanguagePage):
    """The map to choose from, and three steps beside it."""

    title = "In numbers"
    engine = "engines.self_attention.in_numbers.engine:Engine"
    asks = NumbersParams
    drawn_with = ("query", "key")

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.answer: NumbersAnswer | None = None
        self.map, self.map_bar = TokenMap(rows_only=False), ColorBar(Message("Weight"))
        self.map_bar.drive(self.map)
        self.map_card = Card("Choose a pair", self.map, "query: row, key: column", foot=self.map_bar)
        self.pair, self.pair_bar = self._grid("Query and key", "query-and-key")
        self.product, self.product_bar = self._grid("Products", "products")
        self.formula = label("", BODY)
        pair = col((self.pair, 4), (self.product, 3), row(self.pair_bar, self.product_bar, gap=S3), gap=S1)
        self.pair_card = Card("Query and key, number by number", pair, foot=self.formula)
        self.scores, self.scores_bar = self._grid("Scores", "scores")
        self.row, self.row_bar = self._grid("Weights", "weights", "ember")
        self.row.set_largest(96, 30)
        scores = col((self.scores, 4), (self.row, 3), row(self.scores_bar, self.row_bar, gap=S3), gap=S1)
        self.row_card = Card("Scores, scaled, softmax", scores)
        self.sum, self.sum_bar = self._grid("Weighted sum of the values", "weighted-sum")
        self.checked = quiet("")
        self.sum_card = Card("Weighted sum of the values", self.sum, foot=col(self.sum_bar, self.checked, gap=S1))
        for view in (self.scores, self.row):
            view.clicked.connect(lambda cell: self.change(key=cell[1]))
        self.map.clicked.connect(lambda cell: self.change(query=cell[0], key=cell[1]))
        self.map.hovered.connect(self._pointed)
        self.form = self.wire(LanguageForm(self.params, FIELDS))
        self.await_all()
        right = col((self.pair_card, 4), (self.row_card, 4), (self.sum_card, 4), gap=S3)
        self.lay(box(col(self.framed(), (row((self.map_card, 4), (right, 7), gap=S3), 1), gap=S3)), self.form)

    @staticmethod
    def _grid(said: Text, name: str, ramp: str = "diff") -> tuple[ScoreGrid, ColorBar]:
        grid, bar = ScoreGrid(ramp), ColorBar("", ramp, least=80)
        grid.setMinimumHeight(36)
        grid.export_name = name
        words.say(grid, "setAccessibleName", said)
        bar.drive(grid)
        return grid, bar

    def waiting(self) -> tuple[Card, ...]:
        return self.map_card, self.pair_card, self.row_card, self.sum_card

    def _pointed(self, cell: tuple[int, int] | None) -> None:
        if self.answer is not None:
            self.texts.light(self.answer.text, None if cell is None else cell[0])

    def escape(self) -> None:
        self.change(key=-1)

    def draw(self, event: Event) -> None:
        if not isinstance(event, NumbersAnswer):
            return
        self.answer = event
        for one in self.waiting():
            one.set_empty(None)
        self.texts.show_count(event.text)
        names = [short(name) for name in event.text.names]
        self._show_map(event, names)
        self._show_pair(event, names)
        self._show_row(event, names)
        self._show_sum(event, names)

    def _show_map(self, shown: NumbersAnswer, names: list[str]) -> None:
        top = float(shown.weights.max())
        self.map.set_values(shown.weights, top=top, low=0.0)
        self.map.set_tokens(names, names)
        self.map.set_at((shown.query, shown.key))
        self.map_bar.set_range(0.0, top)
        self.map_card.set_title("Layer {layer}, head {head}", layer=shown.layer, head=shown.head)

    def _show_pair(self, shown: NumbersAnswer, names: list[str]) -> None:
        both = np.stack([shown.q, shown.k])
        product = (shown.q * shown.k)[None]
        numbered = [str(i + 1) for i in range(len(shown.q))]
        for grid, bar, values, rows in (
            (self.pair, self.pair_bar, both, ["q", "k"]),
            (self.product, self.product_bar, product, ["q × k"]),
        ):
            top = float(np.abs(values).max())
            grid.set_table(values, top)
            grid.set_names(rows, numbered)
            bar.set_range(-top, top)
        score, scaled = float(shown.scores[shown.key]), float(shown.scaled[shown.key])
        values_: dict[str, Text] = {
            "query": names[shown.query],
            "key": names[shown.key],
            "score": words.number(score, 2),
            "size": str(len(shown.q)),
            "warm": "" if shown.temperature == 1 else f" / {words.number(shown.temperature, 2)}",
            "scaled": words.number(scaled, 2),
            "weight": weight_percent(float(shown.row[shown.key])),
        }
        text = "{query} → {key}: q · k = {score}, / √{size}{warm} = {scaled}, softmax {weight}"
        words.say(self.formula, "setText", Message(text, values_))

    def _show_row(self, shown: NumbersAnswer, names: list[str]) -> None:
        scores = np.stack([shown.scores, shown.scaled])
        off = np.repeat(~shown.seen[None], 2, 0)
        top = float(np.abs(scores).max())
        self.scores.set_table(scores, top)
        self.scores.set_off(off if off.any() else None)
        scale = f"/ √{len(shown.q)}"
        self.scores.set_names(["q · k", scale], names)
        self.scores_bar.set_range(-top, top)
        high = float(shown.row.max())
        self.row.set_table(shown.row[None], high)
        self.row.set_off(off[:1] if off.any() else None, "0")
        self.row.set_names([Message("softmax")], names)
        self.row_bar.set_range(0.0, high)
        for view, rows in ((self.scores, -1), (self.row, 0)):
            view.set_at((rows, shown.key) if rows >= 0 else None)
            view.set_cross((rows, shown.key) if rows < 0 else None)
        self.row_card.set_note("keys of {token}", token=names[shown.query])

    def _show_sum(self, shown: NumbersAnswer, names: list[str]) -> None:
        parts = shown.weights[shown.query][:, None] * shown.values  # (N, D)
        order = np.argsort(-shown.weights[shown.query], kind="stable")
        strongest, rest = order[:STRONGEST], order[STRONGEST:]
        rows = [parts[i] for i in strongest.tolist()]
        named: list[Text] = [
            f"{weight_percent(float(shown.weights[shown.query, i]))} {names[i]}" for i in strongest.tolist()
        ]
        if len(rest):
            rows.append(parts[rest].sum(0))
            named.append(Message("{n} {n:other|others}", {"n": len(rest)}))
        rows.append(shown.output)
        named.append(Message("sum"))
        table = np.stack(rows)
        top = float(np.abs(table).max())
        self.sum.set_table(table, top)
        self.sum.set_names(named, [str(i + 1) for i in range(len(shown.output))])
        self.sum_bar.set_range(-top, top)
        apart = float(np.abs(parts.sum(0) - shown.output).max())
        off = not shown.output.any()
        said = (
            "The head is off: nothing is handed on." if off else "The rows add up to what the model used, within {n}."
        )
        values = {} if off else {"n": "0" if apart == 0 else f"{apart:.0e}".replace("-", "−")}
        words.say(self.checked, "setText", Message(said, values))
