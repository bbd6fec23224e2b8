"""The table of guarantees: each a sentence to rely on, and the probe that tries to break it."""

from collections.abc import Sequence
from typing import Final

from portcullis_cli.verifying import (
    account_probes,
    approval_probes,
    caller_probes,
    limit_probes,
    tool_probes,
)
from portcullis_cli.verifying.model import Guarantee, Need
from portcullis_cli.verifying.spellings import CASES

GUARANTEES: Final[Sequence[Guarantee]] = (
    Guarantee(
        id="both-eras",
        sentence="Clients of every revision are served, and a call arrives once.",
        probe=tool_probes.eras,
    ),
    Guarantee(
        id="denied-tool",
        sentence="A tool that the policy denies never reaches the server.",
        probe=tool_probes.denied,
    ),
    Guarantee(
        id="unnamed-tool",
        sentence="A tool that the policy does not name never reaches the server.",
        probe=tool_probes.unnamed,
        cases=("C07", "C10"),
    ),
    Guarantee(
        id="one-reading",
        sentence="No spelling of a call brings a denied tool past the gate.",
        probe=tool_probes.spellings,
        cases=CASES,
    ),
    Guarantee(
        id="hidden-tool",
        sentence="A hidden tool is in no list, and is answered like one that does not exist.",
        probe=tool_probes.hidden,
    ),
    Guarantee(
        id="condition",
        sentence="A condition holds for the arguments as the server would read them.",
        probe=tool_probes.conditions,
        cases=("I01", "I03", "I04", "I07", "I12", "I13"),
    ),
    Guarantee(
        id="unknown-method",
        sentence="A method or notification that the protocol lacks goes no further.",
        probe=tool_probes.methods,
        cases=("B06", "B08", "B17"),
    ),
    Guarantee(
        id="other-ways",
        sentence="Prompts, resources and completions are no way around the policy.",
        probe=tool_probes.other_ways,
    ),
    Guarantee(
        id="own-word",
        sentence="No server speaks to a client in the gate's name.",
        probe=tool_probes.own_word,
        cases=("L11",),
    ),
    Guarantee(
        id="private-list",
        sentence="A list of tools is for the caller alone, and soon asked for again.",
        probe=tool_probes.private_lists,
    ),
    Guarantee(
        id="rate-limit",
        sentence="A limit lets exactly its number through, however many call at once.",
        probe=limit_probes.rate,
        cases=("G01", "G02", "G03", "G26"),
    ),
    Guarantee(
        id="spend-limit",
        sentence="Amounts add up to no more than their limit, and odd amounts are refused.",
        probe=limit_probes.spend,
        cases=("G21",),
    ),
    Guarantee(
        id="approval-first",
        sentence="Nothing runs before a person approves it, and a request covers one call only.",
        probe=approval_probes.waits,
        cases=("N01", "N05"),
        needs=(Need.WITNESS, Need.SECOND, Need.APPROVER),
    ),
    Guarantee(
        id="approval-once",
        sentence="What a person approved runs exactly once, and no agent approves.",
        probe=approval_probes.once,
        cases=("N01", "N04", "N05", "N09", "N38"),
        needs=(Need.WITNESS, Need.SECOND, Need.APPROVER),
    ),
    Guarantee(
        id="no-token",
        sentence="Without a good token a caller gets 401 and the way to get one, nothing else.",
        probe=caller_probes.no_token,
        cases=("F01", "F02"),
        needs=(),
    ),
    Guarantee(
        id="ended-token",
        sentence="A token that expired or was revoked opens nothing from that moment on.",
        probe=caller_probes.ended_token,
        cases=("F03",),
        needs=(Need.WITNESS, Need.TABLE),
    ),
    Guarantee(
        id="other-server",
        sentence="A token of one server opens no other.",
        probe=caller_probes.other_server,
        cases=("E10",),
        needs=(Need.WITNESS, Need.TABLE),
    ),
    Guarantee(
        id="own-session",
        sentence="A session is of use to nobody but the agent that opened it.",
        probe=caller_probes.sessions,
        cases=("G04", "G05"),
        needs=(Need.WITNESS, Need.SECOND),
    ),
    Guarantee(
        id="credentials-stay",
        sentence="The credentials of a client never reach the server.",
        probe=caller_probes.credentials,
        cases=("F05", "M01"),
    ),
    Guarantee(
        id="foreign-origin",
        sentence="A page of another site, or another name for the gate, gets nothing through.",
        probe=caller_probes.origins,
        cases=("D17", "D18"),
    ),
    Guarantee(
        id="post-only",
        sentence="No other HTTP method carries a call.",
        probe=caller_probes.verbs,
        cases=("D22",),
    ),
    Guarantee(
        id="size",
        sentence="A body that is too large or too deep is refused.",
        probe=caller_probes.sizes,
        cases=("A12", "A22"),
    ),
    Guarantee(
        id="recorded",
        sentence="Every denial is in the decision log, and no argument of a call is.",
        probe=account_probes.recorded,
        needs=(Need.WITNESS, Need.LOG),
    ),
    Guarantee(
        id="kill-switch",
        sentence="A person can stop all forwarding to a server, and let it go on.",
        probe=account_probes.stops,
        needs=(Need.WITNESS, Need.SWITCH),
    ),
    Guarantee(
        id="tls",
        sentence="Plain http gets no call through.",
        probe=caller_probes.transport,
        needs=(Need.WITNESS, Need.HTTPS),
    ),
)
