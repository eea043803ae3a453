"""The Swin tab: attention inside of windows that shift from block to block."""

from app.topics import Shot, Topic

TOPIC = Topic(
    name="swin",
    title="Swin",
    group="Relatives",
    order=1,
    icon="swin",
    trains=True,
    tab="app.tabs.swin.tab:SwinTab",
    pages=(
        "app.tabs.swin.watch.page:WatchPage",
        "app.tabs.swin.windows.page:WindowsPage",
        "app.tabs.swin.proofs.page:ProofsPage",
        "app.tabs.swin.position_bias.page:PositionBiasPage",
        "app.tabs.swin.cost.page:CostPage",
    ),
    pictures=True,
    tagline="windows that shift",
    about=(
        "Attention of every block of a Swin, un-rolled onto the photo; rollout and relevance across windows; "
        "temperature, position bias, mask and heads that change the model, with its prediction beside the untouched "
        "one. Further pages: the shift by hand, with its mask and how far blocks reach; four switches trained live "
        "with the predicted accuracy beside the measured one; the table of the position bias as a control; what "
        "windows cost beside attention of all to all."
    ),
    shots=(Shot("the shift by hand, and the position bias as a control", light=2, dark=4),),
)
