"""The RT-DETR tab: where it looks, in points with weights."""

from app.topics import Topic

TOPIC = Topic(
    name="rt_detr",
    title="RT-DETR",
    group="Relatives",
    order=2,
    icon="rt_detr",
    trains=True,
    tab="app.tabs.rt_detr.tab:RtDetrTab",
    pages=(
        "app.tabs.rt_detr.detect.page:DetectPage",
        "app.tabs.rt_detr.selection.page:SelectionPage",
        "app.tabs.rt_detr.hybrid_encoder.page:HybridEncoderPage",
        "app.tabs.rt_detr.training.page:RtDetrTrainingPage",
        "app.tabs.rt_detr.denoising_queries.page:DenoisingPage",
        "app.tabs.rt_detr.convergence.page:ConvergencePage",
        "app.tabs.rt_detr.class_target.page:ClassTargetPage",
        "app.tabs.rt_detr.side_by_side.page:SideBySidePage",
    ),
    pictures=True,
    tagline="points with weights",
    about=(
        "The sampling points of every decoder layer, head and level on the picture, sized and colored by their "
        "weights; the reference box or a point in the hand, with points, weights and refined box following; "
        "temperature, offsets, heads, levels and layers that change the model, with the untouched one beside it; how "
        "much weight each level gets, and how much falls outside of the picture. Further pages: the score of every "
        "location of all levels, the chosen ones marked, their number by a slider, AP against time with fewer decoder "
        "layers; the attention of the hybrid encoder and its maps, both parts off; DETR, RT-DETR and dense boxes with "
        "NMS side by side, with the AP of each. Trained live, on drawn scenes or your own folder of pictures with "
        "boxes; denoising queries with the mask that keeps their groups apart; convergence with and without them, and "
        "of a DETR beside, with the match film of both; the class target, IoU against 1 from the same seeds."
    ),
)
