"""The Mamba tab: selective state spaces beside attention."""

from app.topics import Shot, Topic

TOPIC = Topic(
    name="mamba",
    title="Mamba",
    group="Relatives",
    order=5,
    icon="mamba",
    trains=True,
    tab="app.tabs.mamba.tab:MambaTab",
    pages=(
        "app.tabs.mamba.scan_by_hand.page:HandPage",
        "app.tabs.mamba.watch.page:WatchPage",
        "app.tabs.mamba.race.page:RacePage",
        "app.tabs.mamba.memory_and_time.page:CostPage",
        "app.tabs.mamba.real.page:RealPage",
        "app.tabs.mamba.vision.page:VisionPage",
    ),
    pictures=True,
    tagline="a state that selects what it keeps",
    about=(
        "One channel of a selective state space under the hand: the sequence is drawn with the mouse, and the "
        "recurrence, the convolution, the hidden attention and the parallel scan are shown equal. A trained block, "
        "token by token, its hidden attention beside a Transformer's head and beside what really counts. Mamba, the "
        "same block without selection and attention race on selective copying and induction, and are then tried on "
        "sequences up to 64 times as long. Memory and time against the length, a Mamba of the hub on one's own text, "
        "and the patches of a photo scanned in one, two or four directions."
    ),
    shots=(Shot("a trained block beside a Transformer's head, and a race on other lengths", light=2, dark=3),),
)
