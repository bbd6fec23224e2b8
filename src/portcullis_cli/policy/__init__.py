"""`portcullis policy`: write policies, try them, and know what a change does before it does it."""
