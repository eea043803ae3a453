"""The DETR tab: boxes as a set, and what each object query looks at."""

from app.block import Block
from app.topics import Shot, Topic

ARCHITECTURE = (
    Block(
        "CNN",
        "Turns the picture into a map of features, each a token of the encoder.",
        "scene",
        column=0,
        row=0,
        to=(1,),
    ),
    Block(
        "Encoder",
        "Each place of the map asks all others: objects come apart.",
        "detect",
        column=1,
        row=0,
        to=(3,),
    ),
    Block(
        "Object queries", "Learned tokens, each a question: is there something of my kind?", "draw_boxes", 1, 1, (3,)
    ),
    Block(
        "Decoder",
        "The queries ask each other, and the encoder's map.",
        "relevance",
        column=2,
        row=0,
        to=(4,),
    ),
    Block(
        "FFN",
        "Reads a class and a box from each query; most of them find no object.",
        "nms",
        column=3,
        row=0,
        to=(5,),
    ),
    Block(
        "Set of boxes", "Matched with the true ones, one to one, by the Hungarian algorithm.", "matching", 3, 1, (6,)
    ),
    Block(
        "Set loss",
        "What each matched pair costs teaches the whole model.",
        "training",
        column=2,
        row=1,
    ),
)

TOPIC = Topic(
    name="detr",
    title="DETR",
    group="Models",
    order=3,
    icon="detr",
    trains=True,
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
    architecture=ARCHITECTURE,
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
