"""The tab of self-attention: a sentence that attends to itself, the positions it needs, and what it costs."""

from app.topics import Topic

TOPIC = Topic(
    name="self_attention",
    title="Self-attention & positions",
    group="Foundations",
    order=4,
    icon="self",
    tab="app.tabs.self_attention.tab:SelfAttentionTab",
    engine="engines.self_attention.engine:Engine",
    tagline="a sentence that attends to itself",
    about=("Your own sentence, three kinds of positions, what shuffling does, and what attention costs."),
)
