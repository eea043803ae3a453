"""The DETR tab: boxes as a set, and what each object query looks at."""

from app.topics import Shot, Topic

TOPIC = Topic(
    name="detr",
    title="DETR",
    group="Models",
    order=3,
    icon="detr",
    tab="app.tabs.detr.tab:DetrTab",
    pages=(
        "app.tabs.detr.detect.page:DetectPage",
        "app.tabs.detr.scene.page:ScenePage",
        "app.tabs.detr.matching.page:MatchingPage",
        "app.tabs.detr.training.page:DetrTrainingPage",
        "app.tabs.detr.nms.page:NmsPage",
        "app.tabs.detr.relevance.page:RelevancePage",
        "app.tabs.detr.draw_boxes.page:DrawBoxesPage",
    ),
    pictures=True,
    tagline="boxes as a set",
    about=(
        "All object queries as a table and as boxes; cross-attention of a query in every decoder layer and head; "
        "how its box settles from layer to layer; self-attention between queries; encoder attention from any pixel; "
        "queries and heads to switch off. A scene editor draws shapes to detect, under your hand. Further pages: "
        "the matching lab with costs, assignment and set loss; live training with a film of which query owns what, "
        "on drawn scenes or your own pictures with boxes, which can be drawn here, also on the features of a frozen "
        "ViT; the same boxes with and without NMS; relevance."
    ),
    shots=(Shot("match boxes by hand, and the same boxes with and without NMS", light=3, dark=5),),
)
