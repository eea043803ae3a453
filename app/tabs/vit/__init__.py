"""The ViT tab: where each patch of a photo attends, in every layer and head."""

from app.topics import Shot, Topic

TOPIC = Topic(
    name="vit",
    title="ViT",
    group="Models",
    order=2,
    icon="vit",
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
