"""Graph neural networks: message passing, and attention whose mask is the graph.

The names below are loaded when first asked for, so that importing a spec does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.gnn.coloring import refine as refine
    from engines.gnn.layers import AggregateConv as AggregateConv
    from engines.gnn.layers import GATConv as GATConv
    from engines.gnn.layers import GATv2Conv as GATv2Conv
    from engines.gnn.layers import GCNConv as GCNConv
    from engines.gnn.layers import GINConv as GINConv

__getattr__, __dir__ = public(__name__)
