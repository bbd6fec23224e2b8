"""The `portcullis` command: what people do from a terminal.

Approvals go through the console's API, over HTTP, as any approver's would. Grants are written
to the state table by whoever has the AWS permission to. Nothing in `portcullis` knows of it.
"""
