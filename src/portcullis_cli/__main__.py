"""`python -m portcullis_cli`."""

from portcullis_cli.app import APP
from portcullis_cli.surroundings import write_anything

if __name__ == "__main__":
    write_anything()
    APP(prog_name="portcullis")
