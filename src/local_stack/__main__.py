"""`python -m local_stack`: the whole gateway on this machine, until SIGINT or SIGTERM.

Prints one JSON line on stdout when it is ready; everything else goes to stderr.
"""

import asyncio
import json
import os
import signal
import sys

from local_stack.errors import LocalStackError
from local_stack.local_settings import read_local_settings
from local_stack.supervisor import Supervisor, report


async def _run() -> int:
    stop = asyncio.Event()

    def ask_to_stop() -> None:
        if stop.is_set():  # asked twice: the tethers end every child with this process
            os._exit(130)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ask_to_stop)
    supervisor = Supervisor(read_local_settings(os.environ))
    starting = asyncio.create_task(supervisor.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return 130
        sys.stdout.write(json.dumps(starting.result()) + "\n")
        sys.stdout.flush()
        await stopping
    finally:
        stopping.cancel()
        await supervisor.stop()
    return 0


def main() -> None:
    """Run the stack; a problem is one line on stderr and exit status 1."""
    try:
        sys.exit(asyncio.run(_run()))
    except LocalStackError as error:
        report(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
