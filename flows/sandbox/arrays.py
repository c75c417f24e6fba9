"""Small tools on numpy arrays that the sandbox's generators share."""

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def open_stream(seed: int, *names: object) -> np.random.Generator:
    """A random stream of its own for each purpose, so that adding one purpose leaves the others' draws alone."""
    return np.random.default_rng([seed, zlib.crc32("/".join(map(str, names)).encode())])


def toss(stream: np.random.Generator, count: int, share: float) -> Array:
    """For each of `count` rows whether it is among the `share` to which something happens."""
    hit: Array = stream.random(count) < share
    return hit


def draw_evenly(stream: np.random.Generator, groups: Array, group_count: int) -> Array:
    """Uniform draws that cover 0–1 evenly within each group: a rate of 0.9 among 30 rows gives 27, not 22 or 30.

    Rows keep their order; each group has its own offset.
    """
    order = np.argsort(groups + stream.random(len(groups)), kind="stable")
    sizes = np.bincount(groups, minlength=group_count)
    starts = np.cumsum(sizes) - sizes
    rank = np.empty(len(groups), dtype=np.float64)
    rank[order] = np.arange(len(groups)) - np.repeat(starts, sizes)
    offsets = stream.random(group_count)
    drawn: Array = (rank + offsets[groups]) / sizes[groups]
    return drawn
