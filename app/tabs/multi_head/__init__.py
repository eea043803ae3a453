"""The Multi-head tab: one input through h heads of the same total width, and a task that needs two of them."""

from app.topics import Topic

TOPIC = Topic(
    name="multi_head",
    title="Multi-head",
    group="Foundations",
    order=3,
    icon="heads",
    trains=True,
    pages=(
        "app.tabs.multi_head.heads.page:HeadsPage",
        "app.tabs.multi_head.training.page:HeadTrainingPage",
    ),
    tagline="one input, h heads",
    about=(
        "One input through h heads with the shapes written on the flow; switch a head off; a task that one head "
        "can't learn and two can."
    ),
)
