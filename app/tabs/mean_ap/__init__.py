"""The tab "Average precision": a detector's mistakes, one by one, and the numbers they add up to."""

from app.topics import Topic

TOPIC = Topic(
    name="mean_ap",
    title="Average precision",
    group="Measure and learn",
    order=1,
    icon="map",
    tab="app.tabs.mean_ap.tab:MeanApTab",
    pages=(
        "app.tabs.mean_ap.detections.page:DetectionsPage",
        "app.tabs.mean_ap.numbers.page:NumbersPage",
    ),
)
