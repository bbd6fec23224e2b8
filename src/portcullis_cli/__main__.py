"""`python -m portcullis_cli`."""

import sys

from portcullis_cli.app import APP
from portcullis_cli.errors import ExitCode
from portcullis_cli.rendering import plain
from portcullis_cli.surroundings import is_text, write_anything

if __name__ == "__main__":
    write_anything()
    if not is_text(sys.argv):
        sys.stderr.write("portcullis: the command line holds bytes that are no text\n")
        sys.exit(ExitCode.USAGE)
    try:
        APP(prog_name="portcullis")
    except OSError as error:  # where it writes to is full, mostly
        sys.stderr.write(f"portcullis: {plain(str(error))}\n")
        sys.exit(ExitCode.UNAVAILABLE)
