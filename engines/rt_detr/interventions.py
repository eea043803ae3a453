"""What a person may change inside an RT-DETR while looking at it. Knows no settings, imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

Box = tuple[float, float, float, float]  #: cxcywh as shares of the picture
Placed = tuple[int, int, int, int, float, float]  #: layer, query, head, point; x and y as shares of the picture


@dataclass(frozen=True)
class Interventions:
    """All changes at once; as it is made, the model is untouched bit for bit.

    Attributes
    ----------
    temperature : float
        Divides the scores of the sampling points before their softmax, in all decoder layers.
    spread : float
        Multiplies the offsets of the sampling points; 0: all lie at the center of the reference box.
    heads_off : tuple of (layer, head)
        Heads of the deformable attention that contribute nothing, counted from 0.
    levels_off : tuple of int
        Levels of the pyramid, from 0, that get no weight; the softmax runs over the points of the others.
    moved : (layer, query, box), optional
        The reference box that a query has on its way into a decoder layer, both counted from 0.
    frozen : bool
        With ``moved``: the points stay where they are in the model as it is without that.
    layers : int
        Decoder layers that are computed; 0 stands for all.
    queries_off : tuple of int
        Queries that no other one can see in the decoder's self-attention.
    placed : tuple of (layer, query, head, point, x, y)
        Sampling points put elsewhere, all counted from 0; a point's number is level · points of a level + point.
    """

    temperature: float = 1.0
    spread: float = 1.0
    heads_off: tuple[tuple[int, int], ...] = ()
    levels_off: tuple[int, ...] = ()
    moved: tuple[int, int, Box] | None = None
    frozen: bool = False
    layers: int = 0
    queries_off: tuple[int, ...] = ()
    placed: tuple[Placed, ...] = ()


UNTOUCHED = Interventions()
