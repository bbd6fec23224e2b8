"""`python -m portcullis_cli`."""

import sys

from portcullis_cli.app import APP
from portcullis_cli.errors import ExitCode
from portcullis_cli.surroundings import is_text, write_anything

if __name__ == "__main__":
    write_anything()
    if not is_text(sys.argv):
        sys.stderr.write("portcullis: the command line holds bytes that are no text\n")
        sys.exit(ExitCode.USAGE)
    APP(prog_name="portcullis")
