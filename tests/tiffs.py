"""TIFF files by hand, of kinds that Pillow does not write (TIFF 6.0)."""

from __future__ import annotations

import struct
import zlib

import numpy as np

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
KINDS = {"u": UNSIGNED, "i": SIGNED, "f": FLOAT}
MOST_SHORT = 65_535


def tiff(values, order="<", planar=False, packed=False, tiles=False, **tags):
    """A file with these values, (H, W) or (H, W, channels).

    Parameters
    ----------
    values : ndarray
        Of the type that is to be stored.
    order : str
        ``<`` or ``>``.
    planar : bool
        One channel after the other.
    packed : bool
        Deflated.
    tiles : bool
        The strips are called tiles, which have to be 16 × n pixels then.
    **tags
        Further fields by number, such as ``t262=0``.
    """
    values = values[..., None] if values.ndim == 2 else values
    high, wide, channels = values.shape
    stored = values.astype(values.dtype.newbyteorder(order))
    parts = [stored[..., c] for c in range(channels)] if planar else [stored]
    half = high if tiles else high // 2  # two strips each, so that their order is seen
    strips = [piece.tobytes() for part in parts for piece in (part[:half], part[half:]) if len(piece)]
    strips = [zlib.compress(strip) for strip in strips] if packed else strips
    place = ((322, [wide]), (323, [high]), (324, []), (325, [])) if tiles else ((278, [half]), (273, []), (279, []))
    fields = {
        256: [wide], 257: [high], 258: [8 * values.dtype.itemsize] * channels, 259: [8 if packed else 1],
        262: [2 if channels > 2 else 1], 277: [channels], 284: [2 if planar else 1],
        339: [KINDS[values.dtype.kind]] * channels, **dict(place),
    }  # fmt: skip
    if channels in (2, 4):
        fields[338] = [2]  # alpha that is not multiplied in
    fields |= {int(name[1:]): value if isinstance(value, list) else [value] for name, value in tags.items()}
    return _written(fields, strips, order, 324 if tiles else 273)


def packed_bits(values, bits):
    """Rows of values of a few bits each, as one strip; (H, W)."""
    rows = ((values[..., None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)
    return b"".join(np.packbits(row.reshape(-1)).tobytes() for row in rows)


def few_bits(values, bits, **tags):
    """A gray file of a few bits, (H, W)."""
    high, wide = values.shape
    fields = {256: [wide], 257: [high], 258: [bits], 259: [1], 262: [1], 277: [1], 278: [high], 273: [], 279: []}
    fields |= {int(name[1:]): [value] for name, value in tags.items()}
    return _written(fields, [packed_bits(values, bits)], "<", 273)


def _written(fields, strips, order, offsets):
    sizes = {273: 279, 324: 325}[offsets]
    fields[sizes] = [len(strip) for strip in strips]
    start = 8 + 2 + 12 * len(fields) + 4
    outside = {tag: 4 * len(values) for tag, values in fields.items() if len(values) > 1}
    outside |= {tag: 4 * len(strips) for tag in (offsets, sizes) if len(strips) > 1}
    at = start + sum(outside.values())
    fields[offsets] = [at + sum(map(len, strips[:i])) for i in range(len(strips))]
    table, beyond = b"", b""
    for tag in sorted(fields):
        values = struct.pack(f"{order}{len(fields[tag])}I", *fields[tag])
        table += struct.pack(order + "HHI", tag, 4, len(fields[tag]))
        if len(fields[tag]) > 1:
            table += struct.pack(order + "I", start + len(beyond))
            beyond += values
        else:
            table += values
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(fields))
    return head + table + bytes(4) + beyond + b"".join(strips)
