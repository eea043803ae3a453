"""The ResNeSt tab: attention over the splits of each channel."""

from app.topics import Topic

TOPIC = Topic(
    name="resnest",
    title="ResNeSt",
    group="Relatives",
    order=4,
    icon="resnest",
    tab="app.tabs.resnest.tab:ResNeStTab",
    pages=("app.tabs.resnest.watch.page:WatchPage",),
    pictures=True,
    tagline="channels that weigh their splits",
    about=(
        "The split attention of every block of a ResNeSt on a photo, channel by channel: splits, pooled mean, weights "
        "and weighted sum; weights under the hand, made equal or swapped, with the prediction beside the untouched "
        "one; whether they depend on the photo at all."
    ),
)
