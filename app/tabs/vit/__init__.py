"""The ViT tab: where each patch of a photo attends, in every layer and head."""

from app.block import Block
from app.topics import Shot, Topic

ARCHITECTURE = (
    Block(
        "Patches",
        "The picture is cut into squares; each becomes a token, with its position added.",
        "watch",
        column=0,
        row=0,
        to=(2,),
    ),
    Block(
        "Class token",
        "A learned token that belongs to no patch: it collects what the answer needs.",
        "logit_lens",
        column=0,
        row=1,
        to=(2,),
    ),
    Block(
        "Multi-head attention",
        "Each token asks all others; the heads look for different things.",
        "step_through",
        column=1,
        row=0,
        to=(3,),
    ),
    Block(
        "MLP, residual, norm",
        "Each token by itself. Both halves are added to the stream, layer by layer.",
        "intervene",
        column=1,
        row=1,
        to=(4,),
    ),
    Block(
        "MLP head",
        "Reads the class token after the last layer and names the picture.",
        "relevance",
        column=2,
        row=0,
    ),
    Block(
        "Trained on many pictures",
        "Nothing here knows that neighbors belong together: the data must teach it.",
        "scale_study",
        column=2,
        row=1,
    ),
)

TOPIC = Topic(
    name="vit",
    title="ViT",
    group="Models",
    order=2,
    icon="vit",
    trains=True,
    tab="app.tabs.vit.tab:VitTab",
    pages=(
        "app.tabs.vit.watch.page:WatchPage",
        "app.tabs.vit.relevance.page:RelevancePage",
        "app.tabs.vit.intervene.page:IntervenePage",
        "app.tabs.vit.step_through.page:StepThroughPage",
        "app.tabs.vit.logit_lens.page:LogitLensPage",
        "app.tabs.vit.scale_study.page:ScaleStudyPage",
    ),
    pictures=True,
    architecture=ARCHITECTURE,
    tagline="where each patch attends",
    about=(
        "Attention of each patch and of the class token in every layer and head, with entropy and mean distance; "
        "rollout, patch similarity, PCA colors; temperature and a mask of heads that change the model, with its "
        "prediction beside the untouched one. Further pages: four kinds of relevance with deletion and insertion "
        "scores; patches to paint away and a scan of all heads; one head in numbers; the logit lens; a study of ViT "
        "against CNN over the number of pictures."
    ),
    shots=(Shot("relevance, and scale against a CNN", light=2, dark=6),),
)
