import hashlib
import inspect
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from course_lib import data
from course_lib.data import registry
from course_lib.data.sheet import Sheet

REPOSITORY = Path(__file__).parents[2]
SHEETS = {sheet.name: sheet for sheet in data.sheets()}
LOCAL = [sheet.name for sheet in data.sheets() if sheet.kind != "downloaded"]
DOWNLOADED = [sheet.name for sheet in data.sheets() if sheet.kind == "downloaded"]


def first_split(name):
    """The split that a set has for certain: a picture to test on has no "train"."""
    return next(iter(SHEETS[name].splits))


def rows(dataset):
    return {(x.numpy().tobytes(), y.numpy().tobytes()) for x, y in dataset}


# ---- what there is


def test_the_sets_of_chapter_1_and_the_classics_are_there():
    assert set(data.names()) >= {"digits", "gates", "clouds", "moons", "line"}
    assert set(DOWNLOADED) == {"mnist", "fashion-mnist", "cifar10", "cora"}
    assert data.names() == sorted(SHEETS)
    kinds = [sheet.kind for sheet in data.sheets()]
    assert kinds == sorted(kinds, key=["embedded", "generated", "downloaded"].index)


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_is_complete(name):
    sheet = SHEETS[name]
    for field in ("what", "source", "licence", "size", "values", "target"):
        assert len(getattr(sheet, field)) > 5, f"the sheet of {name} says nothing of its {field}"
    assert len(sheet.pitfalls) >= 2
    assert first_split(name) == ("test" if name == "coins" else "train")
    assert list(sheet.splits)[-1] == "all"
    assert bool(sheet.alternative) == (sheet.kind == "downloaded")


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_lists_the_options_there_are_with_their_defaults(name):
    parameters = inspect.signature(registry._LOADERS[name].build).parameters
    options = {p.name: p.default for p in parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY}
    assert set(SHEETS[name].options) == set(options)
    for option, default in options.items():
        told = SHEETS[name].options[option].split(":")[0].strip('"')
        assert told == str(default), f"{name}: {option} is {default!r} and the sheet says {told!r}"


@pytest.mark.parametrize("name", LOCAL)
def test_a_sheet_tells_the_truth_about_splits_shape_types_and_classes(name):
    sheet = SHEETS[name]
    for split, size in sheet.splits.items():
        dataset = data.load(name, split)
        assert len(dataset) == size
        assert tuple(dataset.x.shape[1:]) == sheet.shape
        assert dataset.x.is_contiguous()
        assert dataset.y.is_contiguous()
        assert sheet.values.startswith(str(dataset.x.dtype).removeprefix("torch."))
        assert sheet.target.startswith(str(dataset.y.dtype).removeprefix("torch."))
        if sheet.classes:
            assert dataset.y.unique().tolist() == list(range(len(sheet.classes)))


@pytest.mark.parametrize("name", LOCAL)
def test_a_data_set_knows_where_it_comes_from(name):
    dataset = data.load(name, "all")
    sheet = SHEETS[name]
    assert (dataset.name, dataset.split) == (name, "all")
    assert (dataset.classes, dataset.source, dataset.licence) == (sheet.classes, sheet.source, sheet.licence)


@pytest.mark.parametrize("name", DOWNLOADED)
def test_the_alternative_without_a_network_exists(name):
    named = re.findall(r'data\.load\("(.*?)"\)', SHEETS[name].alternative)
    assert named, f"the sheet of {name} says nothing to load instead"
    assert set(named) <= set(LOCAL)


# ---- splits, seeds, bits


@pytest.mark.parametrize("name", LOCAL)
def test_splits_do_not_overlap_and_make_up_all(name):
    splits = [split for split in SHEETS[name].splits if split != "all"]
    parts = {split: rows(data.load(name, split)) for split in splits}
    together = rows(data.load(name, "all"))
    assert set.union(*parts.values()) == together
    assert sum(len(part) for part in parts.values()) == len(together)


@pytest.mark.parametrize("name", ["citations", "clouds", "glyphs", "moons", "line", "ring"])
def test_splits_do_not_overlap_whatever_the_seed(name):
    seen = set()
    for seed in range(3):
        for split in ("train", "validation", "test"):
            part = rows(data.load(name, split, seed=seed))
            assert not seen & part, f"seed {seed}, {split}: examples that were elsewhere before"
            seen |= part


# SHA-256 of the bytes of x, then y, little-endian, of each split with the default options. A change here
# changes the numbers computed from the set, and with them what the book says.
CHECKSUMS = {
    "coins": "c9e0eafc5e760d06c1b516aa3a75cc0d79d308ef6935da1d3702bacfb006a661",
    "digits": "4777b98d204067ccd5a9887e63731481a427c74e15eeca5c5affd9a5ddd7a51f",
    "faces": "46bc0bc3651cfe823c8b87eee58dd4e8e548a9f987f7beccb1d52b48fb710893",
    "karate": "fece4776e4326aaa3983a77fb8906bfe6bd3846d08e6c51b615ec64636a4779c",
    "photos": "34ecce08dc5d02b2639752b963528d49e6e406c71efcda300b379d7e5af69f1d",
    "textures": "0e633773b4352ae9d4cf71d7e9ce2924f23dae1f5c74ea3290d4b380798c1325",
    "arithmetic": "511ee2834ae8d2ec1ad96ceb6942cee6220c12e2a3bbb5c904d40693b2aeb1e9",
    "citations": "fbffb41869e12fc6e002203d39159ad2758cb456847fa398d891c9502ccb2efb",
    "clouds": "ce45e91d7c2bbb032a7b84733863e8feb669477e3c6a9571966551c54aa7b7b4",
    "copying": "ce9a32ce6f7849457a8607e9d463ff12902b1dff1815284b7aa40f0298efd93c",
    "dates": "9f8b4ece848e67b02403d38a121e26a2978ad81dd1eaf70947e368aeb67ebd93",
    "ecg": "37097166a451a72ad0f526a50ebff0f2c6373deac7daadfcd91eb6914f5c82d5",
    "gates": "f11a7bd1db894ee60157d04382275d27a8d02c480fc85b3eb67448b149d4c92f",
    "glyphs": "951b5da5f8643113c544abf73334a96242b539815f499ee34c6f419f14a2b24f",
    "homonyms": "9f5efebae8d6407bd4102581b8494af94338c4b725aca57974bbc89fa1fe4225",
    "line": "bb88ce347e2c1f756c453c236b2cf1d0a4e99b976e3183965d2a50d7895a31cd",
    "moons": "7b7baa41f25b074b03e9fad9fef2d3238e931de2b86c7216b3cb9b73c3c6b7ce",
    "recall": "c9743051d551a7938506ddb217fb72e43c98b8a20f6ef0b47197f4637815d45d",
    "ring": "61ea8a14d292cdc3f3549fd64dbd6cd60b5bda0e9f0ce8d738ef42122b9e4714",
    "scenes": "eb250bb78731ba42cc381ae6a22f8c0d8cfdb74400e7c3f8b6eb661cd96b5a14",
    "vqa": "dbd6274b254d83d0036c020dbb56793e826eb0329413a92488d505c6338d98ab",
}

# The text of python-docs is that of the Python that runs the course, so its bits change from one version to
# the next; test_python_docs.py holds it against Python's own.
FIXED = [name for name in LOCAL if name != "python-docs"]


@pytest.mark.parametrize("name", FIXED)
def test_the_bits_are_those_they_always_were(name):
    found = hashlib.sha256()
    for split in SHEETS[name].splits:
        for tensor in data.load(name, split)[:]:
            array = tensor.numpy()
            found.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    assert found.hexdigest() == CHECKSUMS[name]


@pytest.mark.parametrize("name", LOCAL)
def test_global_generators_neither_matter_nor_move(name):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = data.load(name, first_split(name))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    second = data.load(name, first_split(name))
    assert torch.equal(first.x, second.x)
    assert torch.equal(first.y, second.y)


@pytest.mark.parametrize("name", LOCAL)
def test_what_is_loaded_is_the_callers_own(name):
    first = data.load(name, first_split(name))
    first.x.zero_()
    first.y.zero_()
    again = data.load(name, first_split(name))
    assert again.x.any()
    assert again.y.any()


# ---- bad requests


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="no data set called 'digit', did you mean 'digits'") as caught:
        data.load("digit")
    assert all(name in str(caught.value) for name in data.names())
    with pytest.raises(ValueError, match="did you mean 'fashion-mnist'"):
        data.load("Fashion_MNIST")
    with pytest.raises(ValueError, match="no data set called 'qqq'; known are"):
        data.load("qqq")
    with pytest.raises(TypeError, match="name must be a string such as 'digits', got int"):
        data.load(7)


@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize("split", ["tset", "", None, 0, ["train"]])
def test_an_unknown_split_is_answered_with_the_known_ones(name, split):
    with pytest.raises(
        ValueError, match=f"split of '{name}' must be one of '{first_split(name)}', "
    ) as caught:
        data.load(name, split)
    assert repr(split) in str(caught.value)


@pytest.mark.parametrize("name", SHEETS)
def test_an_unknown_option_is_answered_with_the_known_ones(name):
    with pytest.raises(TypeError, match=f"'{name}' has no option called 'nonsense'") as caught:
        data.load(name, first_split(name), nonsense=1)
    assert all(repr(option) in str(caught.value) for option in SHEETS[name].options)


def test_a_misspelt_option_is_recognized():
    with pytest.raises(TypeError, match="did you mean 'noise'"):
        data.load("moons", nois=0.2)
    with pytest.raises(TypeError, match="it takes none"):
        data.load("digits", seed=1)


@pytest.mark.parametrize("name", SHEETS)
def test_a_device_that_is_not_there_is_named_before_anything_is_loaded(name, monkeypatch):
    monkeypatch.setitem(
        registry._LOADERS, name, registry._Loader(SHEETS[name], lambda split: pytest.fail("loaded in vain"))
    )
    with pytest.raises(ValueError, match="'abacus'"):
        data.load(name, first_split(name), device="abacus")


def test_the_device_is_the_cpu_unless_asked_for():
    assert data.load("gates").x.device.type == "cpu"
    assert data.load("gates", device="cpu").y.device.type == "cpu"
    assert data.load("gates", device=torch.device("cpu")).x.device.type == "cpu"
    assert data.load("gates", device="auto").x.device.type in ("cpu", "cuda", "mps")


@pytest.mark.parametrize("name", ["citations", "clouds", "glyphs", "moons", "line", "ring", "scenes"])
@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("seed", -1, "seed must be a whole number of at least 0, got -1"),
        ("seed", 1.5, "seed must be a whole number of at least 0, got 1.5"),
        ("seed", True, "seed must be a whole number of at least 0, got True"),
        ("n", 0, "n must be a whole number of at least"),
        ("n", "many", "n must be a whole number of at least . got 'many'|n must be a whole number"),
    ],
)
def test_a_bad_value_is_named(name, option, value, message):
    with pytest.raises(ValueError, match=message):
        data.load(name, **{option: value})


def test_two_sets_cannot_have_one_name():
    with pytest.raises(ValueError, match="two data sets called 'digits'"):
        registry.register(SHEETS["digits"])(lambda split: None)


def test_a_sheet_is_a_sheet():
    assert all(isinstance(sheet, Sheet) for sheet in data.sheets())


# ---- no network, no weight


@pytest.mark.parametrize("name", LOCAL)
def test_what_is_not_downloaded_never_opens_a_socket(name, monkeypatch):
    def forbidden(*args, **kwargs):
        pytest.fail(f"{name} asked for a socket")

    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(socket, "create_connection", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    for split in SHEETS[name].splits:
        data.load(name, split)


def test_importing_the_package_imports_nothing_heavy_beyond_torch():
    program = (
        "import sys, torch; before = set(sys.modules); import course_lib.data; "
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    heavy = {
        "sklearn",
        "scipy",
        "pandas",
        "PIL",
        "fontTools",
        "networkx",
        "pooch",
        "requests",
        "filelock",
        "platformdirs",
        "matplotlib",
        "skimage",
    }
    assert not heavy & set(run.stdout.split())
    assert "course_lib" in run.stdout.split()
