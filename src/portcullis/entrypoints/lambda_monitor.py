"""Lambda handler that a schedule invokes: it looks, and writes what it saw as metrics."""

import json
import os
import sys

from botocore.session import Session

from portcullis.adapters.monitor import Clients, Monitor, Watched
from portcullis.entrypoints.client_config import of_account, store_config
from portcullis.entrypoints.clocks import clock
from portcullis.entrypoints.settings import MonitorSettings, read_settings


def build_monitor(settings: MonitorSettings) -> Monitor:
    """The monitor of one execution environment."""
    aws = Session()
    config = store_config(settings.store_timeout_seconds, attempts=2)
    return Monitor(
        Clients(
            s3=of_account(aws.create_client("s3", config=config), settings.bucket_owner),
            dynamodb=aws.create_client("dynamodb", config=config),
            sqs=aws.create_client("sqs", config=config),
        ),
        Watched(
            stack=settings.stack,
            bucket=settings.bucket,
            table=settings.table,
            dead_letters=settings.dead_letters,
        ),
    )


MONITOR = build_monitor(read_settings(MonitorSettings, os.environ))


def handler(_event: object, _context: object) -> None:
    """Look once."""
    for line in MONITOR.look(clock()):
        sys.stdout.write(json.dumps(line) + "\n")
