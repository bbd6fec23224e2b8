"""The emulator's process: `python -m local_stack.emulator --functions URL`.

Binds a free port of the loopback address and prints `{"port": N}` on stdout when it serves.
"""

import argparse
import json
import logging
import os
import sys

from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from local_stack.emulator import (
    dynamodb,
    event_bridge,
    lambda_invoke,
    logs,
    mq,
    stepfunctions,
    workflow_states,
)


def main() -> None:
    """Correct moto and serve it until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--functions", required=True)
    functions = parser.parse_args().functions
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # What fails in a workflow stands in its history.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    dynamodb.install()
    event_bridge.install()
    lambda_invoke.install(functions)
    logs.install()
    mq.install()
    stepfunctions.install()
    workflow_states.install()
    default_user_config["lambda"]["use_docker"] = False
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    server = make_server(
        "127.0.0.1",
        0,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    os.environ["MOTO_PORT"] = str(server.server_port)  # where a workflow's tasks call AWS
    sys.stdout.write(json.dumps({"port": server.server_port}) + "\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
