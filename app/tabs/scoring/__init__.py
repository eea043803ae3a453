"""The tab "Scoring functions": the same queries and keys, scored in three ways."""

from app.topics import Topic

TOPIC = Topic(
    name="scoring",
    title="Scoring functions",
    group="Foundations",
    order=2,
    icon="scoring",
    tab="app.tabs.scoring.tab:ScoringTab",
    engine="engines.scoring.engine:Engine",
)
