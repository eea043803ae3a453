"""The tab "Transfer": what a pretrained backbone is worth when labels are few."""

from app.topics import Topic

TOPIC = Topic(
    name="transfer",
    title="Transfer",
    group="Measure and learn",
    order=3,
    icon="transfer",
    trains=True,
    tab="app.tabs.transfer.tab:TransferTab",
    pages=(
        "app.tabs.transfer.learn.page:LearnPage",
        "app.tabs.transfer.new_photo.page:NewPhotoPage",
    ),
    pictures=True,
    tagline="a few labels on a frozen backbone",
    about=(
        "Linear probe, fine-tuning and from scratch on few labels of your own class folders, with a map of the "
        "features; the probe can be saved and asked about a new photo."
    ),
)
