"""The tab "Scoring functions": the same queries and keys, scored in three ways."""

from app.topics import Topic

TOPIC = Topic(
    name="scoring",
    title="Scoring functions",
    group="Foundations",
    order=2,
    icon="scoring",
    pages=(
        "app.tabs.scoring.compare.page:ComparePage",
        "app.tabs.scoring.dimension.page:DimensionPage",
        "app.tabs.scoring.step_through.page:StepPage",
        "app.tabs.scoring.arrows.page:ArrowsPage",
    ),
)
