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
    tagline="precision and recall, step by step",
    about=(
        "Precision and recall step by step in COCO's and VOC's styles, each detection with its reason, a confusion "
        "matrix that picks pictures; COCO files of your own."
    ),
)
