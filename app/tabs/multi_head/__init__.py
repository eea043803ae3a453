"""The Multi-head tab: one input through h heads of the same total width, and a task that needs two of them."""

from app.topics import Topic

TOPIC = Topic(
    name="multi_head",
    title="Multi-head",
    group="Foundations",
    order=3,
    icon="heads",
    tab="app.tabs.multi_head.tab:MultiHeadTab",
    engine="engines.multi_head.engine:Engine",
)
