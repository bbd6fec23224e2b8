"""Answers about all calls there can be, not about some: what a policy can ever decide.

The infinitely many values of an argument fall into finitely many classes that the policy's own
conditions can tell apart. `texts` and `values` find one value of each class, `slots` the classes
of each argument, `solve` a combination of them with a wanted decision. What is found is a call, and
`evaluate` itself decides it before it is shown; what is not found does not exist, unless a
class could not be enumerated: then the answer says so.
"""
