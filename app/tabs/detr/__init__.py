"""The DETR tab: boxes as a set, and what each object query looks at."""

from app.topics import Topic

TOPIC = Topic(
    name="detr",
    title="DETR",
    group="Models",
    order=3,
    icon="detr",
    tab="app.tabs.detr.tab:DetrTab",
    engine="engines.detr.engine:Engine",
    pictures=True,
)
