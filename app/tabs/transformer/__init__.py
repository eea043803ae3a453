"""The Transformer tab: trained live on tasks whose alignment can be read, decoded step by step, taken apart."""

from app.topics import Topic

TOPIC = Topic(
    name="transformer",
    title="Transformer",
    group="Models",
    order=1,
    icon="transformer",
    tab="app.tabs.transformer.tab:TransformerTab",
    engine="engines.transformer.engine:Engine",
)
