"""Start processes that train together on this machine, and see that none of them is left behind."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from course_lib.layers import checks

AGENT = Path(__file__).with_name("agent.py")
LOOPBACK = {"linux": "lo", "darwin": "lo0"}  # the name of 127.0.0.1's interface
GRACE = 60  # seconds to end its processes, which torchrun kills if they are not gone in 30
# By default torchrun (2.13) keeps the store with the addresses of processes when it starts them anew, and
# some try to reach the dead. With this each life has a store of its own.
FRESH_STORE = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}


def torchrun(
    processes: int, command: Sequence[str], *, max_restarts: int = 0, timeout: float = 600.0
) -> subprocess.CompletedProcess[str]:
    """Run ``torchrun --standalone --nproc-per-node PROCESSES COMMAND`` and return what it wrote.

    The processes find one another on a free port of 127.0.0.1 and have one thread each. If one of them fails
    or is killed, torchrun ends the others, and starts all anew up to ``max_restarts`` times.

    Args:
        processes: how many.
        command: a script or ``-m`` and a module, and its arguments.
        max_restarts: how often.
        timeout: seconds after which all of it is ended.

    Raises:
        ValueError, TypeError: no process, a negative number of restarts, a timeout that is not positive.
        subprocess.TimeoutExpired: it took too long.
    """
    checks.positive_integer("torchrun", "processes", processes)
    checks.non_negative_integer("torchrun", "max_restarts", max_restarts)
    checks.finite_number("torchrun", "timeout", timeout, above=0)
    line = [
        # -P: nothing is to be imported from the agent's folder, as Python would with a script's.
        *(sys.executable, "-P", str(AGENT), str(os.getpid())),
        *("--standalone", "--local-addr=127.0.0.1"),
        *(f"--nproc-per-node={processes}", f"--max-restarts={max_restarts}"),
        *command,
    ]
    path = os.pathsep.join(filter(None, sys.path))
    environment = {"OMP_NUM_THREADS": "1", **FRESH_STORE, **os.environ, "PYTHONPATH": path}
    if sys.platform in LOOPBACK:
        for library in ("GLOO", "NCCL"):
            environment.setdefault(f"{library}_SOCKET_IFNAME", LOOPBACK[sys.platform])
    agent = subprocess.Popen(
        line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    try:
        out, err = agent.communicate(timeout=timeout)
    except BaseException:  # also when the reader interrupts the notebook
        # Not killed: torchrun ends its processes, which are in sessions of their own, before it ends itself.
        agent.terminate()
        try:
            agent.communicate(timeout=GRACE)
        except subprocess.TimeoutExpired:
            agent.kill()
            agent.communicate()
        raise
    return subprocess.CompletedProcess(line, agent.returncode, out, err)
