"""The Transformer tab: trained live on tasks whose alignment can be read, decoded step by step, taken apart."""

from app.topics import Shot, Topic

TOPIC = Topic(
    name="transformer",
    title="Transformer",
    group="Models",
    order=1,
    icon="transformer",
    trains=True,
    tab="app.tabs.transformer.tab:TransformerTab",
    pages=(
        "app.tabs.transformer.training.page:TransformerTrainingPage",
        "app.tabs.transformer.decode.page:DecodePage",
        "app.tabs.transformer.experiments.page:ExperimentsPage",
        "app.tabs.transformer.maths.page:MathsPage",
        "app.tabs.transformer.why.page:WhyPage",
        "app.tabs.transformer.one_step.page:OneStepPage",
    ),
    tagline="trained live, head by head",
    about=(
        "An encoder and a decoder that learn to reverse, sort, read dates and numbers (English and 中文) in about a "
        "minute, with every head's map on the way and a scrubber over the run; type your own input and watch it "
        "decode, greedily or with beams; six experiments, each a switch with a number; one layer walked through "
        "cell by cell, forward and backward; why it works, in eight claims, each a switch, a number and a formula in "
        "your own input's numbers; one training step taken apart."
    ),
    shots=(Shot("taken apart, and its maths", light=3, dark=4), Shot("why it works, and one step", light=5, dark=6)),
)
