"""Augmentations: each output is its input changed as promised, by draws of the promised distribution."""

import itertools
import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from scipy import stats

from course_lib import data, layers
from course_lib.data import augment

DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.uint8, torch.int64]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
RANDOM = {
    "random_shift": lambda x, g: augment.random_shift(x, 2, generator=g),
    "random_crop": lambda x, g: augment.random_crop(x, (4, 5), padding=1, generator=g),
    "random_horizontal_flip": lambda x, g: augment.random_horizontal_flip(x, generator=g),
    "random_scale": lambda x, g: augment.random_scale(x, (0.7, 1.4), generator=g),
    "color_jitter": lambda x, g: augment.color_jitter(x, 0.4, 0.4, 0.4, generator=g),
    "mixup": lambda x, g: augment.mixup(x, torch.arange(len(x)) % 3, 3, alpha=1.0, generator=g)[0],
}
SINGLE = [name for name in RANDOM if name != "mixup"]  # a mixture needs partners


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, dtype=torch.float32):
    """Images in which no two pixels are alike, so that a place can be told from its value."""
    count = math.prod(shape)
    if dtype.is_floating_point:
        return ((torch.randperm(count, generator=seeded(1)) + 1) / (count + 1)).reshape(shape).to(dtype)
    return (torch.randperm(count, generator=seeded(1)) % 250 + 1).reshape(shape).to(dtype)


def window(padded, top, left, height, width):
    return padded[..., top : top + height, left : left + width]


def places(found, image, height, width, left, top, right, bottom):
    """Every (top, left) at which ``found`` (c, height, width) lies in the padded image, by trying all."""
    c, h, w = image.shape
    padded = np.zeros((c, h + top + bottom, w + left + right), np.float64)
    padded[:, top : top + h, left : left + w] = image.double().numpy()
    rows, columns = padded.shape[1] - height + 1, padded.shape[2] - width + 1
    found = found.double().numpy()
    return [
        (i, j)
        for i in range(rows)
        for j in range(columns)
        if np.array_equal(window(padded, i, j, height, width), found)
    ]


def uniform(counts, message):
    """Chi-square: the counts come from equally likely outcomes."""
    assert stats.chisquare(counts).pvalue > 1e-4, f"{message}: {counts}"


@pytest.mark.parametrize("name", RANDOM)
def test_the_generator_decides_and_the_global_one_stands_in(name):
    change, x = RANDOM[name], noise(40, 3, 6, 7)
    before = torch.random.get_rng_state()
    first = change(x, seeded(3))
    assert torch.equal(change(x, seeded(3)), first), f"{name}: one seed, two results"
    assert not torch.equal(change(x, seeded(4)), first), f"{name}: two seeds, one result"
    assert torch.equal(torch.random.get_rng_state(), before), f"{name} with a generator used the global one"
    generator = seeded(3)
    change(x, generator)
    assert not torch.equal(change(x, generator), first), f"{name} does not move its generator on"
    torch.manual_seed(5)
    one = change(x, None)
    torch.manual_seed(5)
    assert torch.equal(change(x, None), one), f"{name} without a generator ignores torch.manual_seed"


@pytest.mark.parametrize("name", RANDOM)
def test_each_example_has_a_draw_of_its_own(name):
    x = noise(1, 3, 6, 7).expand(64, 3, 6, 7) if name != "mixup" else noise(64, 3, 6, 7)
    found = RANDOM[name](x, seeded())
    distinct = len({tuple(each.flatten().tolist()) for each in found})
    assert distinct >= (2 if name == "random_horizontal_flip" else 15), f"{name}: {distinct} kinds"


@pytest.mark.parametrize("layout", ["plain", "channels last", "transposed", "expanded"])
@pytest.mark.parametrize("name", RANDOM)
def test_inputs_stay_and_memory_layout_does_not_matter(name, layout):
    x = noise(8, 3, 6, 7)
    view = {
        "plain": x.clone(),
        "channels last": x.contiguous(memory_format=torch.channels_last),
        "transposed": x.transpose(2, 3).contiguous().transpose(2, 3),
        "expanded": x[:1].expand(8, 3, 6, 7),
    }[layout]
    before = view.clone(memory_format=torch.contiguous_format)
    found = RANDOM[name](view, seeded())
    assert torch.equal(view, before), f"{name} changed its input"
    torch.testing.assert_close(found, RANDOM[name](before, seeded()), msg=lambda m: f"{name}, {layout}: {m}")
    found.zero_()
    assert torch.equal(view, before), f"{name} returned its input's memory"


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", SINGLE)
def test_shapes_dtypes_and_single_images(name, dtype):
    if not dtype.is_floating_point and name in ("random_scale", "color_jitter"):
        with pytest.raises(TypeError, match=f"{name}: images must have a floating-point dtype, got {dtype}"):
            RANDOM[name](noise(2, 3, 6, 7, dtype=dtype), seeded())
        return
    size = (4, 5) if name == "random_crop" else (6, 7)
    for n in (0, 1, 5):
        found = RANDOM[name](noise(n, 3, 6, 7, dtype=dtype), seeded())
        assert found.shape == (n, 3, *size), f"{name}, {n} images: {found.shape}"
        assert found.dtype == dtype, f"{name}: {found.dtype} from {dtype}"
    batch = noise(1, 3, 6, 7, dtype=dtype)
    one = RANDOM[name](batch[0], seeded())
    assert one.shape == (3, *size), f"{name}, a single image: {one.shape}"
    assert torch.equal(one, RANDOM[name](batch, seeded())[0]), f"{name}: alone is not as in a batch of one"


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", SINGLE)
def test_a_generator_on_the_cpu_gives_the_same_on_every_device(name, device):
    x = noise(6, 3, 6, 7)
    found = RANDOM[name](x.to(device), seeded())
    assert found.device.type == device
    torch.testing.assert_close(found.cpu(), RANDOM[name](x, seeded()))
    drawn = RANDOM[name](x.to(device), torch.Generator(device).manual_seed(0))
    assert drawn.shape == found.shape


# shift and crop


@pytest.mark.parametrize("most", [0, 1, 3, 9])
def test_every_shift_is_a_shift_by_whole_numbers_in_range(most):
    h, w = 5, 7
    x = noise(30, 2, h, w)
    found = augment.random_shift(x, most, generator=seeded(most))
    assert found.shape == x.shape
    for image, moved in zip(x, found, strict=True):
        there = places(moved, image, h, w, most, most, most, most)
        assert there, f"random_shift({most}): no shift of at most {most} gives this output"
    if most == 0:
        assert torch.equal(found, x)


def test_all_shifts_are_as_likely_and_both_directions_independent():
    most, n = 2, 20_000
    x = torch.zeros(n, 1, 9, 9, dtype=torch.uint8)
    x[:, 0, 4, 4] = 1
    found = augment.random_shift(x, most, generator=seeded(1))
    assert (found.sum(dim=(1, 2, 3)) == 1).all()
    counts = found.sum(dim=(0, 1))[2:7, 2:7]  # how often the pixel came to lie at each place
    assert counts.sum() == n
    uniform(counts.flatten().numpy(), "random_shift: shifts from -2 to 2")


@pytest.mark.parametrize(
    ("size", "padding", "sides"),
    [
        (3, 0, (0, 0, 0, 0)),
        ((4, 2), 0, (0, 0, 0, 0)),
        ((5, 6), 0, (0, 0, 0, 0)),
        ((5, 6), 2, (2, 2, 2, 2)),
        (7, (1, 3), (1, 3, 1, 3)),
        ((6, 4), [0, 1, 4, 2], (0, 1, 4, 2)),
        ((8, 11), (0, 1, 5, 2), (0, 1, 5, 2)),
    ],
    ids=str,
)
def test_every_crop_lies_in_the_padded_image_and_all_are_as_likely(size, padding, sides):
    image = noise(1, 2, 5, 6)
    n = 4000
    found = augment.random_crop(image.expand(n, 2, 5, 6), size, padding, generator=seeded(2))
    height, width = (size, size) if isinstance(size, int) else size
    assert found.shape == (n, 2, height, width)
    left, top, right, bottom = sides
    rows, columns = 5 + top + bottom - height + 1, 6 + left + right - width + 1
    counts, known = np.zeros((rows, columns)), {}
    for crop in found:
        key = tuple(crop.flatten().tolist())
        if key not in known:
            there = places(crop, image[0], height, width, *sides)
            assert there, f"random_crop({size}, {padding}): a window that is not in the padded image"
            known[key] = there
        for place in known[key]:
            counts[place] += 1 / len(known[key])  # windows that see nothing but zeros are alike
    assert counts.sum() == pytest.approx(n)
    if counts.size > 1:
        uniform(counts.ravel(), f"random_crop({size}, {padding})")


def test_a_shift_is_a_crop_after_padding():
    x = noise(9, 3, 4, 6)
    shifted = augment.random_shift(x, 2, generator=seeded(8))
    assert torch.equal(shifted, augment.random_crop(x, (4, 6), padding=2, generator=seeded(8)))


# flip and boxes


@pytest.mark.parametrize("p", [0, 0.2, 0.5, 1])
def test_flips_are_mirror_images_as_often_as_asked(p):
    n = 5000
    x = noise(1, 2, 3, 5).expand(n, 2, 3, 5)
    found = augment.random_horizontal_flip(x, p, generator=seeded(4))
    mirrored = torch.tensor(np.fliplr(x[0].permute(1, 2, 0).numpy()).copy()).permute(2, 0, 1)
    flipped = (found == mirrored).all(dim=(1, 2, 3))
    assert (flipped | (found == x).all(dim=(1, 2, 3))).all(), "neither the image nor its mirror image"
    assert stats.binomtest(int(flipped.sum()), n, p).pvalue > 1e-4 if 0 < p < 1 else flipped.sum() == p * n


def bounds(image):
    """The box around what is not zero in an image (h, w), found by looking."""
    rows, columns = np.nonzero(image.numpy())
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64], ids=str)
def test_boxes_follow_the_pixels(dtype):
    rng = np.random.default_rng(0)
    n, m, h, w = 60, 2, 9, 12
    x = torch.zeros(n, m, h, w)  # a channel an object
    boxes = torch.zeros(n, m, 4, dtype=dtype)
    for i, j in np.ndindex(n, m):
        (x1, x2), (y1, y2) = np.sort(rng.choice(w + 1, 2, False)), np.sort(rng.choice(h + 1, 2, False))
        x[i, j, y1:y2, x1:x2] = 1
        boxes[i, j] = torch.tensor([x1, y1, x2, y2])
    before = boxes.clone()
    images, found = augment.random_horizontal_flip(x, boxes=boxes, generator=seeded(6))
    assert found.dtype == dtype
    assert torch.equal(boxes, before)
    assert 10 < sum(not torch.equal(a, b) for a, b in zip(images, x, strict=True)) < 50
    for i, j in np.ndindex(n, m):
        assert found[i, j].tolist() == bounds(images[i, j]), f"image {i}: {boxes[i, j].tolist()} went astray"
    assert torch.equal(images, augment.random_horizontal_flip(x, generator=seeded(6)))

    one, its_boxes = augment.random_horizontal_flip(x[0], p=1, boxes=boxes[0])
    assert torch.equal(its_boxes, augment.flip_boxes(boxes[0], w))
    assert its_boxes[0].tolist() == bounds(one[0])


def test_boxes_of_the_scenes_follow():
    scenes = data.load("scenes", n=20, size=32)
    tops = scenes.instances[:, None].clone()  # the first object alone
    tops[tops != 1] = 0
    images, boxes = augment.random_horizontal_flip(tops, boxes=scenes.boxes, generator=seeded(7))
    assert not torch.equal(images, tops)
    for image, box in zip(images, boxes[:, 0], strict=True):
        assert box.tolist() == bounds(image[0])


def test_flipping_boxes_twice_changes_nothing():
    boxes = torch.tensor([[[0.0, 1.0, 2.5, 4.0], [3.0, 0.0, 10.0, 1.0]]])
    flipped = augment.flip_boxes(boxes, 10)
    assert flipped.tolist() == [[[7.5, 1.0, 10.0, 4.0], [0.0, 0.0, 7.0, 1.0]]]
    assert torch.equal(augment.flip_boxes(flipped, 10), boxes)
    assert augment.flip_boxes(torch.zeros(0, 4), 10).shape == (0, 4)


# scale


def test_a_scale_of_one_is_the_identity_and_doubles_are_exact():
    x = noise(3, 2, 8, 10, dtype=torch.float64)
    torch.testing.assert_close(augment.random_scale(x, (1, 1)), x)
    # Magnified by 3, pixel (3, 3) of the middle 3x3 block of a 9x9 image is the pixel in the very middle.
    odd = noise(1, 1, 9, 9, dtype=torch.float64)
    torch.testing.assert_close(augment.random_scale(odd, (3, 3))[0, 0, 1::3, 1::3], odd[0, 0, 3:6, 3:6])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_a_plane_is_magnified_about_the_middle_by_factors_in_range(dtype):
    # In an image that rises evenly to the right, the slope tells the factor, and the middle must not move.
    n, side = 2000, 17
    x = torch.linspace(-1, 1, side).expand(n, 1, side, side).to(dtype)
    found = augment.random_scale(x, (0.5, 1.5), generator=seeded(3)).float()
    assert found[:, 0, :, 8].abs().max() < 0.02, "the middle moved"
    factors = (2 / 8 / (found[:, 0, 8, 9] - found[:, 0, 8, 7])).numpy()
    tolerance = 1e-4 if dtype == torch.float32 else 0.03
    assert factors.min() > 0.5 - tolerance
    assert factors.max() < 1.5 + 4 * tolerance
    if dtype == torch.float32:
        assert stats.kstest(factors, stats.uniform(0.5, 1).cdf).pvalue > 1e-4
        down = augment.random_scale(x.mT.contiguous(), (0.5, 1.5), generator=seeded(3))
        torch.testing.assert_close(down, found.mT)


def test_zeros_come_in_around_a_smaller_image():
    found = augment.random_scale(torch.ones(1, 1, 16, 16), (0.5, 0.5))[0, 0]
    assert found[5:11, 5:11].min() == 1
    assert found[:3].max() == found[:, 13:].max() == 0


# colour


def factor_of(found, image, dull):
    """The f of found = f image + (1 - f) dull, from the pixels that were not cut off."""
    inside = (found > 0) & (found < 1)
    difference = (image - dull)[inside]
    return ((found - dull)[inside] @ difference / (difference @ difference)).item()


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_each_change_is_pillows_by_a_factor_in_range(name):
    n, strength = 200, 0.6
    image = data.load("photos", picture="coffee", size=24).x[100]
    image = (image * 255).round() / 255
    bytes_ = Image.fromarray((image * 255).byte().permute(1, 2, 0).numpy())
    enhance = {"brightness": "Brightness", "contrast": "Contrast", "saturation": "Color"}[name]
    grey = torch.tensor([0.2989, 0.587, 0.114]) @ image.flatten(1)
    dull = {
        "brightness": torch.zeros_like(image),
        "contrast": grey.mean().expand_as(image),
        "saturation": grey.reshape(1, 24, 24).expand_as(image),
    }[name]
    batch = image.expand(n, 3, 24, 24)
    found = augment.color_jitter(batch, **{name: strength}, generator=seeded(5))
    factors = np.array([factor_of(each, image, dull) for each in found])
    assert stats.kstest(factors, stats.uniform(1 - strength, 2 * strength).cdf).pvalue > 1e-4
    for each, factor in list(zip(found, factors, strict=True))[:20]:
        pillow = np.asarray(getattr(ImageEnhance, enhance)(bytes_).enhance(factor)) / 255.0
        gap = np.abs(pillow - each.permute(1, 2, 0).numpy()).max()
        assert gap < 2.5 / 255, f"{name} by {factor:.3f}: {gap * 255:.1f} bytes from Pillow's"


def test_factors_do_not_become_negative():
    image = noise(1, 3, 4, 5).expand(2000, 3, 4, 5) / 8
    found = augment.color_jitter(image, brightness=3.0, generator=seeded())
    factors = (found / image)[:, 0, 0, 0].double().numpy()
    assert stats.kstest(factors, stats.uniform(0, 4).cdf).pvalue > 1e-4


def test_the_three_come_in_every_order_as_often(monkeypatch):
    image = noise(1, 3, 4, 5)
    n = 3000
    f = {
        "brightness": 1.5,
        "contrast": 1.6,
        "saturation": 1.7,
    }  # cut off, so that orders differ

    def mixed(x, name):
        grey = (torch.tensor([0.2989, 0.587, 0.114])[:, None, None] * x).sum(dim=0, keepdim=True)
        dull = {"brightness": 0 * grey, "contrast": grey.mean(), "saturation": grey}[name]
        return (f[name] * x + (1 - f[name]) * dull).clamp(0, 1)

    # With strength 1 a factor is twice a uniform number: the first numbers drawn are replaced by halves of f.
    wanted, real, calls = torch.tensor(list(f.values())) / 2, torch.rand, []

    def rigged(shape, **options):
        calls.append(shape)
        return wanted.expand(shape).clone() if len(calls) == 1 else real(shape, **options)

    monkeypatch.setattr(torch, "rand", rigged)
    found = augment.color_jitter(image.expand(n, 3, 4, 5), 1.0, 1.0, 1.0, generator=seeded(9))
    counts = []
    for order in itertools.permutations(f):
        target = image[0]
        for name in order:
            target = mixed(target, name)
        counts.append(int((found - target).abs().amax(dim=(1, 2, 3)).lt(1e-5).sum()))
    assert sum(counts) == n, f"color_jitter: results of no order, or of two: {counts}"
    uniform(counts, "color_jitter: orders")


def test_grey_images_have_brightness_and_contrast_but_no_saturation():
    x = noise(6, 1, 4, 5)
    torch.testing.assert_close(augment.color_jitter(x, saturation=0.9, generator=seeded()), x)
    found = augment.color_jitter(x, contrast=0.5, generator=seeded())
    for each, image in zip(found, x, strict=True):
        factor = factor_of(each, image, image.mean().expand_as(image))
        expected = (factor * image + (1 - factor) * image.mean()).clamp(0, 1)
        torch.testing.assert_close(each, expected)
    assert augment.color_jitter(x, 2.0, 2.0, generator=seeded()).max() <= 1


def test_no_strength_changes_nothing():
    x = noise(4, 3, 5, 6)
    torch.testing.assert_close(augment.color_jitter(x), x)


# mixup


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 4.0, 200.0])
def test_weights_have_the_beta_distribution(alpha):
    # Every partner is one of the class 0 half, with probability one half: the others show l itself.
    n = 8000
    y = torch.arange(n) % 2
    _, targets = augment.mixup(torch.zeros(n, 1), y, 2, alpha, generator=seeded(11))
    own = targets[torch.arange(n), y].double().numpy()
    mixed = own[own < 1]
    if alpha >= 0.2:
        assert abs(len(mixed) / n - 0.5) < 0.1
        beta = stats.beta(alpha, alpha)
        assert stats.kstest(mixed, beta.cdf).pvalue > 1e-4, f"alpha {alpha}"
    direct = augment._beta(20_000, alpha, torch.zeros(1), seeded(12)).double().numpy()
    assert np.isfinite(direct).all()
    assert 0 <= direct.min() <= direct.max() <= 1
    assert direct.mean() == pytest.approx(0.5, abs=5 * direct.std() / math.sqrt(20_000))
    assert direct.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)
    rounded = np.clip(direct, 1e-7, 1 - 1e-7)  # float32 has steps near 0 and 1
    cdf = stats.beta(alpha, alpha).cdf
    for quantile in (0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        assert np.mean(rounded <= quantile) == pytest.approx(cdf(quantile), abs=0.02), f"alpha {alpha}"


def test_partners_are_a_permutation_and_targets_say_what_is_in_the_mixture():
    n = 50
    x = torch.eye(n, dtype=torch.float64)  # example i is the i-th unit vector: a mixture shows its parts
    y = torch.arange(n) % 7
    mixed, targets = augment.mixup(x, y, 7, alpha=1.0, generator=seeded(2))
    assert mixed.dtype == targets.dtype == torch.float64
    assert targets.shape == (n, 7)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(n, dtype=torch.float64))
    torch.testing.assert_close(targets, mixed @ torch.nn.functional.one_hot(y, 7).double())
    partners = []
    for i, row in enumerate(mixed):
        others = [j for j in row.nonzero().flatten().tolist() if j != i]
        assert len(others) <= 1
        partners.append(others[0] if others else i)
        assert row.sum().item() == pytest.approx(1)
    assert sorted(partners) == list(range(n))


def test_the_mean_of_batch_and_targets_is_preserved_in_expectation():
    x, y = noise(6, 1, 2, 2, dtype=torch.float64), torch.tensor([0, 2, 2, 1, 2, 0])
    generator, rounds = seeded(3), 4000
    draws = [augment.mixup(x, y, 3, alpha=0.4, generator=generator) for _ in range(rounds)]
    shares = torch.nn.functional.one_hot(y, 3).double().mean(dim=0)
    for found, mean in [
        (torch.stack([mixed.mean(dim=0).flatten() for mixed, _ in draws]), x.mean(dim=0).flatten()),
        (torch.stack([targets.mean(dim=0) for _, targets in draws]), shares),
    ]:
        error = found.std(dim=0) / math.sqrt(rounds)
        assert ((found.mean(dim=0) - mean).abs() < 5 * error).all()


def test_cross_entropy_takes_the_targets_and_is_the_mixture_of_two_losses():
    x, y = torch.randn(8, 5, generator=seeded(), dtype=torch.float64), torch.arange(8) % 4
    _, targets = augment.mixup(x, y, 4, alpha=1.0, generator=seeded(1))
    logits = torch.randn(8, 4, generator=seeded(2), dtype=torch.float64)
    loss = layers.CrossEntropyLoss(reduction="none")
    losses = torch.stack([loss(logits, torch.full((8,), k)) for k in range(4)], dim=1)  # (8, 4)
    torch.testing.assert_close(loss(logits, targets), (targets * losses).sum(dim=1))


def test_a_batch_of_one_or_none_is_its_own_partner():
    x, y = torch.rand(1, 3), torch.tensor([1])
    mixed, targets = augment.mixup(x, y, 2)
    torch.testing.assert_close(mixed, x)
    torch.testing.assert_close(targets, torch.tensor([[0.0, 1.0]]))
    assert augment.mixup(torch.rand(0, 3), torch.zeros(0, dtype=torch.int64), 2)[1].shape == (0, 2)


# bad calls

X, Y = torch.rand(4, 3, 6, 7), torch.tensor([0, 1, 2, 0])
BAD = [
    (
        TypeError,
        lambda: augment.random_shift([1], 2),
        "images must be a torch.Tensor, got list",
    ),
    (ValueError, lambda: augment.random_shift(X[0, 0], 2), r"must be (n, c, h, w) or (c, h, w), got (6, 7)"),
    (
        ValueError,
        lambda: augment.random_shift(X, -1),
        "random_shift: most must be a whole number",
    ),
    (ValueError, lambda: augment.random_shift(X, 1.5), "got 1.5"),
    (
        TypeError,
        lambda: augment.random_shift(X, 1, generator=3),
        "must be a torch.Generator or None, got 3",
    ),
    (ValueError, lambda: augment.random_crop(X, 8), "size must fit into the padded images of 6x7, got 8x8"),
    (ValueError, lambda: augment.random_crop(X, (9, 4), 1), "padded images of 8x9, got 9x4"),
    (ValueError, lambda: augment.random_crop(X, 0), "random_crop: size must be a whole number of at least 1"),
    (ValueError, lambda: augment.random_crop(X, (2, 3, 4)), "size must be one number or (height, width)"),
    (ValueError, lambda: augment.random_crop(X, 3, (1, 2, 3)), "padding must be one number, two or four"),
    (ValueError, lambda: augment.random_crop(X, 3, -1), "random_crop: padding must be a whole number"),
    (ValueError, lambda: augment.random_crop(X, 3, ()), "padding must be one number, two or four"),
    (ValueError, lambda: augment.random_horizontal_flip(X, 1.5), "p must be from 0 to 1, got 1.5"),
    (ValueError, lambda: augment.random_horizontal_flip(X, float("nan")), "p must be a finite number"),
    (
        ValueError,
        lambda: augment.random_horizontal_flip(X, boxes=torch.zeros(3, 2, 4)),
        "boxes must be (4, m, 4) to go with images (4, 3, 6, 7), got (3, 2, 4)",
    ),
    (ValueError, lambda: augment.random_horizontal_flip(X[0], boxes=torch.zeros(1, 2, 4)), "must be (m, 4)"),
    (TypeError, lambda: augment.flip_boxes([[0, 0, 1, 1]], 5), "boxes must be a torch.Tensor, got list"),
    (ValueError, lambda: augment.flip_boxes(torch.zeros(4), 5), "boxes must be (..., m, 4), got shape (4,)"),
    (ValueError, lambda: augment.flip_boxes(torch.zeros(2, 5), 5), "got shape (2, 5)"),
    (ValueError, lambda: augment.flip_boxes(torch.zeros(2, 4), 0), "flip_boxes: width must be"),
    (ValueError, lambda: augment.random_scale(X, 0.5), "scale must be two numbers (least, most), got 0.5"),
    (ValueError, lambda: augment.random_scale(X, (0, 1)), "random_scale: scale must be above 0, got 0"),
    (ValueError, lambda: augment.random_scale(X, (1.2, 0.8)), "scale must be (least, most)"),
    (ValueError, lambda: augment.color_jitter(X, -0.1), "color_jitter: brightness must be at least 0"),
    (
        ValueError,
        lambda: augment.color_jitter(X, saturation=float("inf")),
        "saturation must be a finite",
    ),
    (ValueError, lambda: augment.color_jitter(X[:, :2]), "images must have 1 or 3 channels"),
    (TypeError, lambda: augment.mixup(X, Y.float(), 3), "y must be labels of dtype int64, got torch.float32"),
    (TypeError, lambda: augment.mixup(X, [0, 1, 2, 0], 3), "mixup: y must be a torch.Tensor, got list"),
    (TypeError, lambda: augment.mixup(X.byte(), Y, 3), "x must have a floating-point dtype"),
    (ValueError, lambda: augment.mixup(X, Y[:3], 3), "y must be (n,) to go with x (n, ...)"),
    (ValueError, lambda: augment.mixup(X, Y, 2), "y must be from 0 to 1, got labels from 0 to 2"),
    (ValueError, lambda: augment.mixup(X, Y - 1, 3), "got labels from -1 to 1"),
    (ValueError, lambda: augment.mixup(X, Y, 3, alpha=0), "mixup: alpha must be above 0, got 0"),
    (ValueError, lambda: augment.mixup(X, Y, 0), "num_classes must be a whole number of at least 1"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_a_bad_call_is_named(number):
    error, call, words = BAD[number]
    with pytest.raises(error) as caught:
        call()
    assert caught.type is error
    assert words in str(caught.value), str(caught.value)
