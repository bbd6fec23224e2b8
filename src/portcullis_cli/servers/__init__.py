"""`portcullis servers`: the servers that a gateway has, and what its bucket says of each."""
