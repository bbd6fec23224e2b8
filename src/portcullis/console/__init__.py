"""The approvers' web pages and API: HTTP in, HTML or JSON out. Talks to the desk only.

Nothing in this package does I/O, reads a clock, an environment or a random source: the desk, the
grants, the issuer, the instant and new ids come in. `routes` lists what is answered.
"""
