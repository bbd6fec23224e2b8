"""What the words of the policy language mean, in the short, for editors to show.

Only texts may live here; a test holds them to the tables of `portcullis.policy.words`.
"""

from collections.abc import Mapping
from typing import Final

ACTIONS: Final[Mapping[str, str]] = {
    "allow": "permits the call",
    "deny": "refuses it, whatever else permits it",
    "require_approval": "permits it once a person has approved this very call",
    "rate_limit": "of one exact tool: permits the call up to the limits; elsewhere: limits only",
}
SCOPES: Final[Mapping[str, str]] = {
    "session": "the calls of one session; the default",
    "principal": "all calls of one caller on this server",
    "tool": "everybody's calls of the tool",
    "server": "everybody's calls of the server",
}
MEANINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "top": {
        "version": 'the version of the language, `"1"` with the quotes',
        "description": "a text for people",
        "default": "what happens to what no rule permits or denies",
        "hide": "names and patterns of tools that are left out of lists and answered as unknown",
        "redact": "arguments of any tool that no recording of a call holds",
        "tools": "entries by tool name or pattern; quote a pattern that begins with `*`",
        "resources": "entries by resource URI or pattern",
        "prompts": "entries by prompt name or pattern",
        "categories": "entries by category of tool; needs a lock",
        "drift": "what happens to tools that are not as they were locked; needs a lock",
        "tests": "calls and what must be decided of them; run before a change is in force",
    },
    "categories": {
        "read": "tools that read and change nothing",
        "write": "tools that make or change something",
        "execute": "tools that run something",
        "destructive": "tools that remove something for good",
        "financial": "tools that move money",
    },
    "rule": {
        "name": "names the rule in replies and logs",
        "action": "what the rule says; without one it permits nothing and only adds limits",
        "when": "conditions that must all hold for the rule to apply",
        "rate_limit": "at most so many calls; one block or a list of them",
        "spend_limit": "at most so much of an amount in the arguments; one block or a list",
        "reason": "what the agent is told",
        "mode": "`enforce`, or `shadow`: evaluated, logged and counted apart, never blocks",
        "approval": "for `require_approval`: who is asked",
        "rules": "several rules instead of one; their order never matters",
    },
    "limit": {
        "path": "where the amount stands, like `args.amount`",
        "max": "how many calls, or how much",
        "window": "whole seconds, or 30s, 1m, 1h, 1d; at most 31 days",
        "per": "whose calls count together",
        "algorithm": "`sliding_window` lets at most `max` through in any period; the default",
    },
    "approval": {
        "approvers": "who may decide: a person, or `group:` and a group; no wildcard",
        "timeout": "how long the request stands; 1h unless written otherwise",
        "min_approvals": "how many different people must approve; 1 unless written otherwise",
        "show": "the arguments that matter, like `args.name`, up to ten",
    },
    "condition": {
        "path": "what is looked at: `args.name`, `principal.subject`, `time.hour`, ...",
        "op": "how it is compared",
        "value": "what it is compared with",
        "match": "over `[*]`: whether any or all of the elements must match",
        "any": "holds when one of its parts does",
        "all": "holds when each of its parts does",
        "not": "holds when its part does not",
    },
    "drift": {
        "changed": "a tool that differs from the lock; `deny` unless written otherwise",
        "added": "a tool that the lock does not hold; `deny` unless written otherwise",
        "approval": "who is asked",
    },
    "test": {
        "name": "what the test shows; each name once",
        "call": "one tool, resource or prompt, exactly named, and what a decision looks at",
        "expect": "what must be decided",
        "rule": "the rule that decides, by its name in replies",
        "outcome": "the outcome, more exactly",
    },
    "call": {
        "tool": "the tool that is called",
        "resource": "the resource that is read",
        "prompt": "the prompt that is asked for",
        "args": "the arguments",
        "principal": "who calls; nobody in particular unless written",
        "at": "when, as RFC 3339 writes it, in quotes",
    },
    "principal": {
        "issuer": "who vouches for the caller",
        "subject": "the caller's name",
        "groups": "the caller's groups",
        "tags": "the tags of the caller's session",
        "claims": "the claims of the caller's token",
    },
}
