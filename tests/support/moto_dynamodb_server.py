"""moto's server as a process: `python moto_dynamodb_server.py PORT corrected|stock`."""

import logging
import sys

from moto.server import main

from local_stack.emulator import dynamodb

if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    port, kind = sys.argv[1:]
    if kind == "corrected":
        dynamodb.install()
    main(["-H", "127.0.0.1", "-p", port])
