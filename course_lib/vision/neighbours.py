"""Non-maximum suppression among boxes that spread: only neighbours are compared.

If the IoU of two boxes is greater than t, so is that of their sides, taken as intervals. In x, their left
edges are then less than (1 - t) w apart, w being the width of the box on the left; in y likewise. The boxes
are sorted into horizontal strips by their upper edge, and within a strip by their left edge. Those that a box
may overlap, apart from boxes further left, then stand one after another in each of a few strips: in a run.
"""

import numpy as np
import torch
from torch import Tensor

from course_lib.vision.candidates import Candidates, divided

PAIRS_AT_ONCE = {"cpu": 2**16}  # few enough for the cache
PAIRS_AT_ONCE_ELSEWHERE = 2**22


class Neighbours:
    """The pairs of boxes whose IoU may be greater than ``threshold``.

    ``pairs`` counts them; the time that ``kept`` takes goes with it. Box i of the sorted boxes meets those
    that stand from first[k] on, counts[k] of them, in each run k with owner[k] = i.
    """

    def __init__(self, boxes: Candidates, threshold: float) -> None:
        self.threshold = threshold
        self.places = boxes.places
        across, down = _reaches(boxes, threshold)
        left_edges, by_left = boxes.corners[0].double().sort()
        column = torch.empty_like(by_left)
        column[by_left] = torch.arange(len(boxes), device=column.device)
        last_column = torch.searchsorted(left_edges, across, right=True)

        own, first, last = _strips(boxes, *down)
        keys, self.by_key = (own * len(boxes) + column).sort()
        self.corners = boxes.corners[:, self.by_key]
        column, last_column = column[self.by_key], last_column[self.by_key]
        first, last = first[self.by_key], last[self.by_key]
        self.owner, nth = _runs(last - first + 1)
        strip_start = (first[self.owner] + nth) * len(boxes)
        self.first = torch.searchsorted(keys, strip_start + column[self.owner] + 1)
        end = torch.searchsorted(keys, strip_start + last_column[self.owner])
        self.counts = end - self.first
        self.pairs = int(self.counts.sum())

    def kept(self) -> Tensor:
        """Return the places of the boxes that are kept, best first."""
        found = [self._overlapping(run) for run in self._blocks()]
        better, worse = (torch.cat(places) for places in zip(*found, strict=True))
        better, by_better = better.sort()
        keep = _greedy(better.cpu().numpy(), worse[by_better].cpu().numpy(), len(self.places))
        return self.places[torch.from_numpy(keep).to(self.places.device)]

    def _blocks(self) -> list[slice]:
        """Cut the runs into blocks of about so many pairs as are compared at once."""
        at_once = PAIRS_AT_ONCE.get(self.corners.device.type, PAIRS_AT_ONCE_ELSEWHERE)
        limits = torch.arange(0, self.pairs, at_once, device=self.counts.device)[1:]
        cuts = torch.searchsorted(self.counts.cumsum(0), limits).unique().tolist()
        return [slice(start, end) for start, end in zip([0, *cuts], [*cuts, None], strict=True)]

    def _overlapping(self, runs: slice) -> tuple[Tensor, Tensor]:
        """Compare the pairs of these runs; return the better and the worse box of those that overlap."""
        run, nth = _runs(self.counts[runs])
        one = self.owner[runs].index_select(0, run)
        other = self.first[runs].index_select(0, run).add_(nth)
        _, y1, x2, y2, area = self.corners.index_select(1, one)
        other_x1, other_y1, other_x2, other_y2, other_area = self.corners.index_select(1, other)
        width = torch.minimum(x2, other_x2).sub_(other_x1).clamp_(min=0)  # the other starts further right
        height = torch.minimum(y2, other_y2).sub_(torch.maximum(y1, other_y1)).clamp_(min=0)
        intersection = width.mul_(height)
        union = (area + other_area).sub_(intersection)
        overlap = (divided(intersection, union) > self.threshold).nonzero()[:, 0]
        one, other = self.by_key[one[overlap]], self.by_key[other[overlap]]
        return torch.minimum(one, other), torch.maximum(one, other)


def _reaches(boxes: Candidates, threshold: float) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Return how far right the left edge, and between what bounds the upper edge, of a partner can be.

    A partner whose upper edge is higher can be taller than the box, but not more than 1 / threshold times.
    """
    x1, y1, x2, y2, _ = boxes.corners.double()
    reach = 1 - threshold * (1 - 64 * torch.finfo(boxes.corners.dtype).eps)  # the IoU is rounded
    slack = 16 * torch.finfo(torch.float64).eps * boxes.corners.abs().max().double()  # and so are the sums
    height = y2 - y1
    tallest = height.max()
    taller = torch.minimum(height / threshold, tallest) if threshold > 0 else tallest
    return x1 + reach * (x2 - x1) + slack, (y1 - reach * taller - slack, y1 + reach * height + slack)


def _strips(boxes: Candidates, top: Tensor, bottom: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the number of the strip of each upper edge, and of the first and last that can have partners.

    A strip is as high as the bounds are apart on average, so that few boxes need many strips. Each category
    has strips of its own.
    """
    upper = boxes.corners[1].double()
    most = len(boxes)
    height = torch.maximum((bottom - top).mean(), (upper.max() - upper.min()) / most)
    offset = 0
    if boxes.groups is not None:
        offset = boxes.groups.unique(return_inverse=True)[1] * (most + 1)

    def strip(y: Tensor) -> Tensor:
        return offset + ((y - upper.min()) / height).clamp(0, most).long()

    return strip(upper), strip(top), strip(bottom)


def _runs(lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Return, for each item of all runs, which run it is in and which item of that run it is, from 0 on."""
    run = torch.repeat_interleave(lengths)
    starts = lengths.cumsum(0) - lengths
    return run, torch.arange(len(run), device=run.device).sub_(starts.index_select(0, run))


def _greedy(better: np.ndarray, worse: np.ndarray, count: int) -> np.ndarray:
    """Return which of ``count`` boxes are kept, if better[k] suppresses worse[k] where it is kept itself.

    Boxes are numbered best first, and ``better`` rises: they are taken one after the other.
    """
    keep = np.ones(count, dtype=bool)
    start = 0
    for i, end in enumerate(np.bincount(better, minlength=count).cumsum().tolist()):
        if start < end and keep[i]:
            keep[worse[start:end]] = False
        start = end
    return keep
