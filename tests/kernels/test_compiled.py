"""Every kernel is accepted by Triton's compiler, not by its interpreter alone, which is more tolerant.

No GPU is needed: for a named architecture Triton compiles anywhere. This file, run as a script without the
interpreter, calls the wrappers on tensors of the CPU; kernels are compiled as far as Triton's own
representation for GPUs and not launched. What comes out of the wrappers then is rubbish, and not looked at.
"""

import json
import os
import subprocess
import sys

import pytest
import torch

CAPABILITIES = 80, 90  # of A100 and H100


def cross_entropy():
    from course_lib.kernels.cross_entropy import cross_entropy as loss

    (rows,) = leaves(torch.float32, (8, 1000))
    classes = torch.zeros(8, dtype=torch.int64)
    loss(rows, classes, torch.ones(1000), label_smoothing=0.1).backward()
    (pixels,) = leaves(torch.bfloat16, (2, 10, 16, 16))
    loss(pixels, torch.zeros(2, 16, 16, dtype=torch.int64), ignore_index=1).backward()
    (one,) = leaves(torch.float64, (1, 1))
    loss(one, classes[:1], label_smoothing=0.1, reduction="none").sum().backward()


def normalization():
    from course_lib.kernels.normalization import group_norm, layer_norm

    x, *vectors = leaves(torch.bfloat16, (32, 1024), (1024,), (1024,))
    layer_norm(x, (1024,), *vectors, activation="gelu").sum().backward()
    x, *vectors = leaves(torch.float32, (4, 64, 32, 32), (64,), (64,))
    group_norm(x, 8, *vectors, activation="silu").sum().backward()
    x, weight = leaves(torch.float64, (1, 1), (1,))
    layer_norm(x, (1,), weight, activation="relu").sum().backward()


def local_response_norm():
    from course_lib.kernels import local_response_norm as module

    for dtype, shape in ((torch.bfloat16, (4, 64, 32, 32)), (torch.float64, (1, 1, 1))):
        module.local_response_norm(*leaves(dtype, shape), 5).sum().backward()


def lp_pooling():
    from course_lib.kernels.lp_pooling import lp_pool2d

    (x,) = leaves(torch.float32, (4, 8, 32, 32))
    for p in (2, 2.5):
        lp_pool2d(x, p, 2).sum().backward()
    lp_pool2d(*leaves(torch.bfloat16, (1, 1, 1)), 0.5, 1).sum().backward()


def mixed_pooling():
    from course_lib.kernels.mixed_pooling import mixed_pool2d

    for dtype, shape, sizes in (
        (torch.bfloat16, (4, 8, 32, 32), (3, 2, 1)),
        (torch.float64, (1, 1, 1), (1,)),
    ):
        x, alpha = leaves(dtype, shape, ())
        mixed_pool2d(x, *sizes, alpha=alpha).sum().backward()


def stochastic_pooling():
    from course_lib.kernels.stochastic_pooling import stochastic_pool2d

    for dtype, shape, size in ((torch.float32, (4, 8, 32, 32), 2), (torch.bfloat16, (1, 1, 1), 1)):
        (x,) = leaves(dtype, shape)
        (dx,) = torch.autograd.grad((stochastic_pool2d(x, size) ** 2).sum(), x, create_graph=True)
        dx.sum().backward()


def dropout():
    from course_lib.kernels import dropout as module

    for dtype, size in ((torch.float64, 5000), (torch.bfloat16, 1)):
        module.dropout(*leaves(dtype, (size,)), 0.3).sum().backward()


def drop_connect():
    from course_lib.kernels import drop_connect as module

    module.drop_connect(*leaves(torch.bfloat16, (64, 800), (400, 800), (400,))).sum().backward()
    module.drop_connect(*leaves(torch.float64, (1, 1), (1, 1))).sum().backward()
    module.masks(torch.tensor([1]), 3, 4, 5, 0.5)


def adam():
    from course_lib.kernels import adam as module

    for dtype, size, options in (
        (torch.float64, 1, {"weight_decay": 0.1}),
        (torch.bfloat16, 5000, {"weight_decay": 0.0, "decoupled": True}),
    ):
        given = torch.zeros(5, size, dtype=dtype)
        module.adam(*given, lr=1, betas=(0, 0.9), eps=0, step=1, **options)
        module.adam(*given[:4], lr=0.1, betas=(0.9, 0.999), eps=1e-8, step=2, **options)


def convolution():
    from course_lib.kernels.convolution import conv2d, conv2d_relu

    for dtype in (torch.float16, torch.float32):
        conv2d_relu(*leaves(dtype, (2, 16, 9, 9), (32, 8, 3, 3), (32,)), 2, 1, 1, 2).sum().backward()
    conv2d(*leaves(torch.float32, (1, 1, 5, 5), (1, 1, 1, 1))).sum().backward()


def depthwise():
    from course_lib.kernels.depthwise import depthwise_conv2d

    for dtype in (torch.bfloat16, torch.float64):
        depthwise_conv2d(*leaves(dtype, (2, 16, 9, 9), (16, 1, 5, 5), (16,)), 2, 1).sum().backward()
    depthwise_conv2d(*leaves(torch.float32, (1, 1, 1, 1), (1, 1, 1, 1))).sum().backward()


def attention():
    from course_lib.kernels.attention import scaled_dot_product_attention as attend

    keys = torch.ones(2, 1, 1, 70, dtype=torch.bool)
    given = leaves(torch.float32, (2, 2, 33, 32), (2, 2, 70, 32), (2, 2, 70, 5))
    attend(*given, keys, 0.1).sum().backward()
    given = leaves(torch.bfloat16, (2, 33, 256), (2, 70, 256), (2, 70, 256))
    attend(*given, torch.zeros(33, 70)).sum().backward()
    attend(*leaves(torch.float16, (1, 1), (1, 1), (1, 1)), is_causal=True).sum().backward()


def graph():
    from course_lib.kernels.graph import sum_neighbours
    from course_lib.layers.graph_sums import Edges

    for dtype, edges, shape in ((torch.float16, 156, (34, 300)), (torch.float64, 1, (1, 1, 1))):
        index = Edges(torch.zeros(2, edges, dtype=torch.int64), shape[0], shape[0])
        x, weight = leaves(dtype, shape, (edges, *shape[1:-1]))
        sum_neighbours(x, index, weight).sum().backward()
        sum_neighbours(x, index, reduce="mean").sum().backward()


def roi_align():
    from course_lib.kernels import roi_align

    for dtype, shape in (
        (torch.float32, (1, 1, 1, 1)),
        (torch.bfloat16, (2, 3, 9, 9)),
        (torch.float64, (1, 2, 3, 4)),
    ):
        rois = torch.zeros(3, 5, dtype=torch.promote_types(dtype, torch.float32))
        roi_align.roi_align(*leaves(dtype, shape), rois, (shape[3], 2)).sum().backward()


def nms():
    from course_lib.kernels.nms import batched_nms

    for n, dtype in ((1, torch.float16), (200, torch.float64)):
        batched_nms(torch.zeros(n, 4, dtype=dtype), torch.zeros(n), torch.zeros(n, dtype=torch.int32), 0.5)


# A call, and how many kernels it has.
CASES = {
    cross_entropy: 2,
    normalization: 3,
    local_response_norm: 2,
    lp_pooling: 2,
    mixed_pooling: 2,
    stochastic_pooling: 3,
    dropout: 1,
    drop_connect: 4,
    adam: 1,
    convolution: 3,
    depthwise: 3,
    attention: 3,
    graph: 2,
    roi_align: 2,
    nms: 2,
}


def leaves(dtype, *shapes):
    return [torch.zeros(shape, dtype=dtype, requires_grad=True) for shape in shapes]


class Compiled(Exception):
    """Raised where compilation goes on to what only a GPU can use."""


class NoGpu:
    """What Triton asks of a driver before it compiles."""

    def __init__(self, capability):
        self.capability = capability

    def get_current_target(self):
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", self.capability, 32)

    def get_current_device(self):
        return self.capability  # what was compiled for one device is kept apart from the others'

    def get_current_stream(self, device):
        return 0


def compile_instead_of_launching():
    """From here on a launch compiles; return the set in which the names of the compiled kernels appear."""
    from triton.backends.nvidia.compiler import CUDABackend
    from triton.runtime import jit

    compiled, add_stages, run = set(), CUDABackend.add_stages, jit.JITFunction.run

    def add_first_stages(self, stages, *arguments):
        add_stages(self, stages, *arguments)
        for name in [name for name in stages if name not in ("ttir", "ttgir")]:
            del stages[name]
        stages["stop"] = stop

    def stop(source, metadata):
        raise Compiled

    def compile_only(self, *arguments, grid, warmup, **options):
        try:
            run(self, *arguments, grid=grid, warmup=True, **options)
        except Compiled:
            compiled.add(self.fn.__name__)

    CUDABackend.add_stages, jit.JITFunction.run = add_first_stages, compile_only
    return compiled


def main():
    from triton.runtime import driver

    compiled, found = compile_instead_of_launching(), {}
    for capability in CAPABILITIES:
        driver.set_active(NoGpu(capability))
        for call in CASES:
            compiled.clear()
            try:
                call()
                answer = sorted(compiled)
            except Exception as error:
                answer = f"{type(error).__name__}: {str(error)[-1500:]}"
            found[f"{call.__name__} {capability}"] = answer
    print(json.dumps(found))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What came of each case: the names of the kernels, or an error."""
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    environment |= {"TRITON_CACHE_DIR": str(tmp_path_factory.mktemp("triton"))}
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, __file__], env=environment, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("call", CASES, ids=lambda call: call.__name__)
def test_compiles(found, call, capability):
    answer = found[f"{call.__name__} {capability}"]
    assert isinstance(answer, list), f"{call.__name__} for capability {capability}: {answer}"
    assert len(answer) == CASES[call], f"{call.__name__} for capability {capability}: compiled {answer}"


if __name__ == "__main__":
    main()
