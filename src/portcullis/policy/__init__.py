"""The decision point. Pure: arguments in, values out.

Laws of this package, each held by a test or a tool:

1. Nothing here does I/O, reads a clock, an environment or a random source, or logs.
2. A policy is compiled when it is loaded; evaluation meets no unknown operator, bad
   pattern or unparsed path.
3. Not being able to tell is never the same as "no": what could not be evaluated permits
   nothing and restricts whatever it could have restricted, whatever the rule's polarity.
4. Same arguments, same decision; a denial is a value, not an exception. The order of
   rules in a file never matters.
5. Adding an operator touches `operators.py` and its table of cases; the reference page
   and a completeness test follow from the table.

Nothing is re-exported here, so that importing one module of the package loads only what
that module needs.
"""
