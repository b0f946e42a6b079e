"""Non-maximum suppression on the GPU: all pairs at once as bits, then one program that reads them in order.

Which box would suppress which others does not depend on what is kept: 64 answers fit in a word, and all words
are found in parallel. Who is kept is a chain of decisions, the best box first. One program takes them, 64
boxes a turn: inside such a block the chain is followed by repeating the question until the answer stays.

Source: Girshick, Donahue, Darrell & Malik (2014), section 2.1, for the rule; the bits are those of
the implementation of Ren, He, Girshick & Sun (2015), Faster R-CNN.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

ROWS = 32  # boxes of which one program finds a word each
AT_ONCE = 8192  # words read together, at most: more would not fit in the registers of a program


@triton.jit
def _quotient(a: tl.tensor, b: tl.tensor) -> tl.tensor:
    """a / b rounded as IEEE 754 says, like PyTorch's: at the threshold, an ulp decides."""
    if a.dtype == tl.float32:
        return tl.div_rn(a, b)  # where / is a quicker division
    else:
        return a / b


@triton.jit
def _overlaps(
    corners: tl.tensor,
    groups: tl.tensor,
    threshold: tl.tensor,
    bits: tl.tensor,
    n: tl.tensor,
    words: tl.tensor,
    ROWS: tl.constexpr,
) -> None:
    """Bit j % 64 of bits[i, j // 64]: whether box i suppresses box j, which comes later."""
    first, word = tl.program_id(0) * ROWS, tl.program_id(1)
    if word * 64 + 63 > first:  # else no box of the word comes later than a box of the rows
        i = first + tl.arange(0, ROWS)
        j = word * 64 + tl.arange(0, 64)
        mine, theirs = i < n, j < n
        x1, other_x1 = tl.load(corners + i, mine, 0)[:, None], tl.load(corners + j, theirs, 0)
        y1, other_y1 = tl.load(corners + n + i, mine, 0)[:, None], tl.load(corners + n + j, theirs, 0)
        x2, other_x2 = tl.load(corners + 2 * n + i, mine, 0)[:, None], tl.load(corners + 2 * n + j, theirs, 0)
        y2, other_y2 = tl.load(corners + 3 * n + i, mine, 0)[:, None], tl.load(corners + 3 * n + j, theirs, 0)
        area = tl.load(corners + 4 * n + i, mine, 0)[:, None]
        other_area = tl.load(corners + 4 * n + j, theirs, 0)
        width = tl.maximum(tl.minimum(x2, other_x2) - tl.maximum(x1, other_x1), 0.0)
        height = tl.maximum(tl.minimum(y2, other_y2) - tl.maximum(y1, other_y1), 0.0)
        shared = width * height
        union = (area + other_area) - shared
        over = _quotient(shared, tl.where(union > 0, union, 1.0)) > tl.load(threshold)  # 0 / 0 counts as 0
        over = over & (i[:, None] < j) & theirs
        if groups is not None:
            over = over & (tl.load(groups + i, mine, 0)[:, None] == tl.load(groups + j, theirs, 0))
        each = over.to(tl.int64) << tl.arange(0, 64).to(tl.int64)
        tl.store(bits + i.to(tl.int64) * words + word, tl.sum(each, axis=1), mine)


@triton.jit
def _decide(
    bits: tl.tensor, kept: tl.tensor, n: tl.tensor, words: tl.tensor, WORDS: tl.constexpr, ROWS: tl.constexpr
) -> None:
    """kept[i]: whether no kept box before i suppresses it. ``removed`` has a bit for each box."""
    column = tl.arange(0, WORDS)
    place = tl.arange(0, 64)
    removed = tl.zeros([WORDS], tl.int64)
    for block in range(words):
        i = block * 64 + place
        own = tl.load(bits + i.to(tl.int64) * words + block, i < n, 0)  # who suppresses whom in this block
        before = tl.sum(tl.where(column == block, removed, 0), axis=0)
        # Bit b only depends on the bits below it: after b + 1 rounds it is right. Few chains are that long.
        gone = before
        found = before | tl.reduce_or(tl.where(((gone >> place) & 1) == 0, own, 0), axis=0)
        while found != gone:
            gone = found
            found = before | tl.reduce_or(tl.where(((gone >> place) & 1) == 0, own, 0), axis=0)
        tl.store(kept + i, ((gone >> place) & 1) == 0, i < n)
        for start in range(0, 64, ROWS):
            k = start + tl.arange(0, ROWS)
            row = block * 64 + k
            reads = (((gone >> k) & 1) == 0) & (row < n)
            reads = reads[:, None] & (column > block) & (column < words)
            removed |= tl.reduce_or(
                tl.load(bits + row.to(tl.int64)[:, None] * words + column, reads, 0), axis=0
            )


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Return the indices of the boxes that are kept, by falling score; of equal scores the first comes first.

    Shapes: boxes (N, 4) as (x1, y1, x2, y2), scores (N,) -> int64 (K,). A box goes if its IoU with a kept box
    is strictly greater than ``iou_threshold``. Computes in float32 at least. Memory: N^2 / 8 bytes of bits,
    of which the half above the diagonal is written once, and read once where the box is kept; the GPU is
    waited for once. Called as ``torchvision.ops.nms``, source above.

    Raises:
        ValueError: shapes that are none of these.
    """
    return _kept(boxes, scores, None, iou_threshold)


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """Apply ``nms`` to each category apart: boxes of different ``idxs`` never suppress each other.

    Shapes: boxes (N, 4), scores (N,), idxs (N,) integers -> int64 (K,) by falling score. It costs no more
    than ``nms``: the categories are compared where the boxes are.

    Raises:
        ValueError: shapes that are none of these.
    """
    if idxs.shape != scores.shape:
        raise ValueError(f"batched_nms: idxs must have shape {tuple(scores.shape)}, got {tuple(idxs.shape)}")
    return _kept(boxes, scores, idxs, iou_threshold)


@torch.no_grad()
def _kept(boxes: Tensor, scores: Tensor, groups: Tensor | None, iou_threshold: float) -> Tensor:
    n = len(boxes)
    if boxes.shape != (n, 4) or scores.shape != (n,):
        shapes = f"{tuple(boxes.shape)} and {tuple(scores.shape)}"
        raise ValueError(f"nms: boxes and scores must have shapes (N, 4) and (N,), got {shapes}")
    order = torch.argsort(scores, descending=True, stable=True)
    if n == 0:
        return order
    accurate = torch.promote_types(boxes.dtype, torch.float32)
    x1, y1, x2, y2 = boxes.index_select(0, order).to(accurate).unbind(dim=1)
    corners = torch.stack([x1, y1, x2, y2, (x2 - x1) * (y2 - y1)])
    words = triton.cdiv(n, 64)
    bits = torch.empty(n, words, dtype=torch.int64, device=boxes.device)
    kept = torch.empty(n, dtype=torch.bool, device=boxes.device)
    threshold = torch.tensor(iou_threshold, dtype=accurate)
    if threshold.item() > iou_threshold:  # down to a number of the dtype: no IoU lies between them
        threshold = torch.nextafter(threshold, threshold.new_full((), -1.0))
    with torch.cuda.device_of(boxes):
        _overlaps[(triton.cdiv(n, ROWS), words)](
            corners,
            None if groups is None else groups.index_select(0, order).long(),
            threshold.to(boxes.device),
            bits,
            n,
            words,
            ROWS=ROWS,
            enable_fp_fusion=False,  # a product fused into a sum would round otherwise than PyTorch
        )
        columns = triton.next_power_of_2(words)
        _decide[(1,)](bits, kept, n, words, columns, max(1, min(AT_ONCE // columns, 16)), num_warps=8)
    return order[kept]
