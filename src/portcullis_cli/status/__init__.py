"""`portcullis status`: one page for the person on call. It only reads."""
