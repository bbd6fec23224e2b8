"""The `portcullis` command: what people do from a terminal. Speaks HTTP, knows no AWS."""
