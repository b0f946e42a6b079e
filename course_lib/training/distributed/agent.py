"""torchrun that ends with the process that started it: ``agent.py PARENT``, and torchrun's own arguments.

Who is killed cannot end its children, nor does Python by itself when it is told to terminate. So the child
looks whose child it is. Left behind, it sends itself the signal on which torchrun ends its processes.
"""

import os
import signal
import sys
import threading
import time

INTERVAL = 0.5  # seconds between two looks


def end_with(parent: int) -> None:
    """Wait until ``parent`` is no longer the parent of this process, and terminate this one."""
    while os.getppid() == parent:
        time.sleep(INTERVAL)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    # Before torch is imported, which takes a second in which the parent may die.
    threading.Thread(target=end_with, args=(int(sys.argv.pop(1)),), daemon=True).start()
    from torch.distributed.run import main

    main()
