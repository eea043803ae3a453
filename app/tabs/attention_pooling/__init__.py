"""The tab of attention pooling: query, key and value as three plain numbers, and one learned width."""

from app.topics import Topic

TOPIC = Topic(
    name="attention_pooling",
    title="Attention pooling",
    group="Foundations",
    order=1,
    icon="pooling",
    trains=True,
    pages=(
        "app.tabs.attention_pooling.kernel_regression.page:RegressionPage",
        "app.tabs.attention_pooling.learned_w.page:LearnedPage",
    ),
    tagline="kernel regression, and one learned width",
    about=(
        "Nadaraya–Watson regression with points, query and bandwidth under the mouse; kernels side by side; one "
        "learned w that is trained before your eyes on its own loss landscape."
    ),
)
