"""The tab of self-attention: a sentence that attends to itself, the positions it needs, and what it costs."""

from app.topics import Topic

TOPIC = Topic(
    name="self_attention",
    title="Self-attention & positions",
    group="Foundations",
    order=4,
    icon="self",
    pages=(
        "app.tabs.self_attention.sentence.page:SentencePage",
        "app.tabs.self_attention.positions.page:PositionsPage",
        "app.tabs.self_attention.cost.page:CostPage",
    ),
    tagline="a sentence that attends to itself",
    about=("Your own sentence, three kinds of positions, what shuffling does, and what attention costs."),
)
