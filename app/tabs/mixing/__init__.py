"""The Mixing tab: how much each token hangs on each other one, in two nets side by side."""

from app.topics import Topic

TOPIC = Topic(
    name="mixing",
    title="Mixing",
    group="Relatives",
    order=6,
    icon="mixing",
    tab="app.tabs.mixing.tab:MixingTab",
    pages=("app.tabs.mixing.page:MixingPage",),
    pictures=True,
    tagline="who mixes with whom",
    about=(
        "How much each token hangs on each other one, ‖∂y/∂x‖, of a block, of several, of a whole net: two nets side "
        "by side on one photo, attention or not. Random probes stream in with their error, the row of the token under "
        "the mouse is found exactly; influence by distance on one axis, exact zeros, correlation with attention."
    ),
)
