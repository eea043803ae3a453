"""The tab of large kernels: what nets see, and what it takes to see it."""

from app.topics import Shot, Topic

TOPIC = Topic(
    name="large_kernel",
    title="Large kernels",
    group="Relatives",
    order=6,
    icon="large_kernel",
    trains=True,
    tab="app.tabs.large_kernel.tab:LargeKernelTab",
    pages=(
        "app.tabs.large_kernel.field.page:FieldPage",
        "app.tabs.large_kernel.merge.page:MergePage",
        "app.tabs.large_kernel.kernel.page:KernelPage",
        "app.tabs.large_kernel.reach.page:ReachPage",
        "app.tabs.large_kernel.cost.page:CostPage",
    ),
    pictures=True,
    tagline="what a place really sees",
    about=(
        "The effective receptive field of a place that is dragged over the photo, in random kernels beside the law "
        "that foretells its radius, in a ViT, a Swin, a ConvNeXt, trained or not. Further pages: branches and their "
        "batch norms merged into one kernel, with the difference printed; a kernel painted by hand and its answer on "
        "the photo; four nets that learn live to say what stands ten places further right, which two large kernels do "
        "and twelve small ones, whose field reaches further, do not; what large kernels cost on this machine."
    ),
    shots=(Shot("branches merged into one kernel, and a kernel painted by hand", light=2, dark=3),),
)
