"""The ResNeSt tab: attention over the splits of each channel."""

from app.topics import Shot, Topic

TOPIC = Topic(
    name="resnest",
    title="ResNeSt",
    group="Relatives",
    order=4,
    icon="resnest",
    trains=True,
    tab="app.tabs.resnest.tab:ResNeStTab",
    pages=("app.tabs.resnest.watch.page:WatchPage", "app.tabs.resnest.race.page:RacePage"),
    pictures=True,
    tagline="channels that weigh their splits",
    about=(
        "The split attention of every block of a ResNeSt on a photo, channel by channel: splits, pooled mean, weights "
        "and weighted sum; weights under the hand, made equal or swapped, with the prediction beside the untouched "
        "one; whether they depend on the photo at all. A second page trains nets without attention, with "
        "squeeze-and-excitation and with split attention side by side, at equal parameters and at equal time, and says "
        "where there is no difference or split attention loses."
    ),
    shots=(Shot("none, squeeze-and-excitation and split attention, side by side", light=2, dark=2),),
)
