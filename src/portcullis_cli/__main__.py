"""`python -m portcullis_cli`."""

from portcullis_cli.app import main

if __name__ == "__main__":
    main()
