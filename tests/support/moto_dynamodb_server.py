"""moto's server as a process: `python moto_dynamodb_server.py PORT corrected|stock`.

Its threads take turns far more often than Python's do by default, so that requests which can
get in each other's way do.
"""

import logging
import sys

from moto.server import main

from local_stack.emulator import dynamodb

if __name__ == "__main__":
    sys.setswitchinterval(0.00001)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    port, kind = sys.argv[1:]
    if kind == "corrected":
        dynamodb.install()
    main(["-H", "127.0.0.1", "-p", port])
