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
    tagline="queries against keys",
    about=(
        "Additive, dot-product and scaled dot-product scores of the same queries and keys, a mask to paint, the "
        "effect of 1/√d, every step in numbers, and arrows to drag."
    ),
)
