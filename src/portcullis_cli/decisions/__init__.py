"""`portcullis decisions`: what the gate decided, read from the decision log."""
