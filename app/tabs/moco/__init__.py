"""The MoCo tab: learning without labels by telling pictures apart, with every moving part in sight."""

from app.topics import Topic

TOPIC = Topic(
    name="moco",
    title="MoCo",
    group="Measure and learn",
    order=2,
    icon="moco",
    trains=True,
    tab="app.tabs.moco.tab:MocoTab",
    pages=(
        "app.tabs.moco.two_views.page:ViewsPage",
        "app.tabs.moco.queue.page:QueuePage",
        "app.tabs.moco.test.page:TestPage",
    ),
    pictures=True,
    tagline="learning without labels",
    about=(
        "Two views and their logits, the queue as a ring, staleness, the momentum encoder, and what kNN and a "
        "linear probe make of the features; beside it end-to-end, memory bank and SimCLR's negatives."
    ),
)
