"""The tab of graphs: message passing, and attention whose mask is the graph."""

from app.topics import Shot, Topic

TOPIC = Topic(
    name="gnn",
    title="Graphs",
    group="Relatives",
    order=3,
    icon="gnn",
    trains=True,
    tab="app.tabs.gnn.tab:GraphTab",
    pages=(
        "app.tabs.gnn.watch.page:WatchPage",
        "app.tabs.gnn.train.page:TrainPage",
        "app.tabs.gnn.depth.page:DepthPage",
        "app.tabs.gnn.static_or_dynamic.page:LookupPage",
        "app.tabs.gnn.limits.page:LimitsPage",
        "app.tabs.gnn.equalities.page:EqualitiesPage",
    ),
    pictures=True,
    takes=("mask",),
    tagline="attention whose mask is the graph",
    about=(
        "A graph under the hand: nodes dragged, edges added and removed, with the messages of GCN, mean, sum, max, "
        "GAT, GATv2 or GIN into a node in numbers, and the same as a matrix; own graphs from a list of edges, "
        "GraphML, JSON or Cora's files, patches of a photo, masks of attention. Further pages: nodes classified "
        "live from two labels; what many layers do, and what helps; a dictionary that GAT can't look up and GATv2 can; "
        "graphs that no message passing tells apart; four equalities that tie graphs to attention and convolution."
    ),
    shots=(Shot("classes learned from two labels, and what many layers do", light=2, dark=3),),
)
