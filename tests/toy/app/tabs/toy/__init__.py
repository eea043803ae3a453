"""The toy's tab: a palette that a color attends to."""

from app.topics import Topic

TOPIC = Topic(
    name="toy",
    title="Toyland palette",
    group="Relatives",
    order=99,
    icon="toy",
    pages=("app.tabs.toy.page:PalettePage",),
    tagline="a color attends to a palette",
    about="How much an orange attends to each color of a palette, and what the temperature does to it.",
)
