"""The ViT tab: whom each patch of a photo looks at, in every layer and head."""

from app.topics import Topic

TOPIC = Topic(
    name="vit",
    title="ViT",
    group="Models",
    order=2,
    icon="vit",
    tab="app.tabs.vit.tab:VitTab",
    engine="engines.vit.engine:Engine",
    pictures=True,
)
