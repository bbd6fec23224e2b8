"""Approvals: what is asked, who may answer, and what an answer allows. Pure, like the policy core.

Nothing in this package does I/O, reads a clock, an environment or a random source, or logs.
A life cycle that cannot be told denies: no state but APPROVED can be claimed, once.
"""
