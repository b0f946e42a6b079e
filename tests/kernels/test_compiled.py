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

CAPABILITY = 80


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


CASES = {call.__name__: call for call in (convolution, depthwise, attention, graph, roi_align, nms)}
KERNELS = {"convolution": 3, "depthwise": 3, "attention": 3, "graph": 2, "roi_align": 2, "nms": 2}


def leaves(dtype, *shapes):
    return [torch.zeros(shape, dtype=dtype, requires_grad=True) for shape in shapes]


class Compiled(Exception):
    """Raised where compilation goes on to what only a GPU can use."""


class NoGpu:
    """What Triton asks of a driver before it compiles."""

    def get_current_target(self):
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", CAPABILITY, 32)

    def get_current_device(self):
        return 0

    def get_current_stream(self, device):
        return 0


def compile_instead_of_launching():
    """From here on a launch compiles; return the set in which the names of the compiled kernels appear."""
    from triton.backends.nvidia.compiler import CUDABackend
    from triton.runtime import driver, jit

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
    driver.set_active(NoGpu())
    return compiled


def main():
    compiled, found = compile_instead_of_launching(), {}
    for name, call in CASES.items():
        compiled.clear()
        try:
            call()
            found[name] = sorted(compiled)
        except Exception as error:
            found[name] = f"{type(error).__name__}: {str(error)[-1500:]}"
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


@pytest.mark.parametrize("name", CASES)
def test_compiles(found, name):
    assert isinstance(found[name], list), f"{name}: {found[name]}"
    assert len(found[name]) == KERNELS[name], f"{name}: compiled {found[name]}"


if __name__ == "__main__":
    main()
