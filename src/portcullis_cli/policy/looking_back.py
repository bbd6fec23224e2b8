"""`portcullis policy history`: the uploads of a policy, and what became of each."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import typer
from rich.text import Text

from portcullis.activation.status import ACTIVE, REJECTED
from portcullis.values import JsonMapping, JsonObject, JsonValue
from portcullis_cli.errors import CommandError, ExitCode, usage_error
from portcullis_cli.kept_grants import aws_answers, utc
from portcullis_cli.kill_switch import Bucket
from portcullis_cli.policy.deployment import faults_of, require_server
from portcullis_cli.policy.inputs import AsJson
from portcullis_cli.policy.past import Activation, Became, Entry, Records, entries
from portcullis_cli.policy.records import read_records
from portcullis_cli.rendering import plain, terminal
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import surroundings_of

MAXIMUM_LIMIT: Final = 200
UNKNOWN: Final = "unknown"
_STYLES: Final = {
    Became.IN_FORCE: "green",
    Became.REJECTED: "red",
    Became.WAITING: "yellow",
    Became.NOT_LOOKED_AT: "yellow",
    Became.UNKNOWN: "yellow",
}


def history(
    context: typer.Context,
    *,
    server: Annotated[str, typer.Argument(metavar="SERVER", help="The server's name.")],
    limit: Annotated[
        int, typer.Option("--limit", help="How many uploads to show, the newest first.")
    ] = 10,
    bucket: Bucket,
    as_json: AsJson = False,
) -> None:
    """Tell what was uploaded for a server, what became of each, and what is in force now.

    What governed is read from the objects that the gateway was given, what became of the rest
    from the statuses of then. What neither tells is `unknown`. Who uploaded something S3 does
    not say.

    Example: portcullis policy history amazon-mq --limit 5
    """
    with reported(as_json=as_json):
        require_server(server)
        if not 1 <= limit <= MAXIMUM_LIMIT:
            raise usage_error(f"--limit is 1 to {MAXIMUM_LIMIT}")
        with aws_answers():
            client = surroundings_of(context).s3()
        records = read_records(client, bucket, server, limit=limit)
        rows = entries(records, limit=limit)
        found = rows[:limit]
        if not found and not records.activations:
            raise CommandError(
                ExitCode.NOT_FOUND, f"no policy of `{server}` was ever uploaded", code="not_found"
            )
        notes = [*_notes(records, rows, limit)]
        if as_json:
            tell(_tree(server, records, found, notes))
            return
        console = terminal()
        for line in _lines(server, records, found):
            console.print(line, soft_wrap=True)
        for note in notes:
            typer.echo(f"note: {note}", err=True)


def governing(records: Records) -> str:
    """What governs, in one line."""
    now = records.in_force
    if now is not None:
        return f"in force is revision {plain(now.policy.revision)}, since {_since(now)}"
    if records.has_active:
        return "what is in force cannot be understood, so calls are denied"
    return "nothing is in force, so every call is denied"


def released(activation: Activation) -> str:
    """How it came to be in force."""
    facts = activation.policy.release
    told = []
    if "serial" in facts:
        told.append(f"signed by {_said(facts, 'signed_by')}, serial {_said(facts, 'serial')}")
    if "approval" in facts:
        people = facts.get("approved_by")
        names = ", ".join(map(plain, people)) if isinstance(people, list) else UNKNOWN
        told.append(f"approved by {names}, in request {_said(facts, 'approval')}")
    return "; ".join(told) or "uploaded; no signature and no approval is recorded"


def first_fault(status: JsonMapping) -> str:
    """The first fault of a status, in one line, and how many more there are."""
    faults = faults_of(status, "faults")
    if not faults:
        return UNKNOWN
    first = faults[0]
    line = "" if first.line is None else f"line {first.line}: "
    path = f"{plain(first.path)}: " if first.path else ""
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{line}{path}{plain(first.message)}{more}"


def _lines(server: str, records: Records, found: Sequence[Entry]) -> Iterator[Text]:
    yield Text(f"{server}: {governing(records)}", "bold")
    for entry in found:
        what = "deletion" if entry.became is Became.DELETED else "upload"
        newest = ", the newest" if entry.is_newest else ""
        yield Text("")
        yield Text(f"{_uploaded(entry)}  {what} {plain(entry.version)}{newest}")
        for number, line in enumerate(_told(entry)):
            style = _STYLES.get(entry.became, "") if number == 0 else ""
            yield Text(f"  {line}", style)


def _told(entry: Entry) -> Iterator[str]:
    yield _word(entry)
    for number, one in enumerate(entry.activations):
        if number:
            yield _governed(one)
        yield f"  revision  {plain(one.policy.revision)}"
        if one.policy.lock is not None:
            yield f"  lock      {plain(one.policy.lock.version)}"
        yield f"  released  {released(one)}"
    if entry.activations and entry.status.get("state") == REJECTED:
        yield f"judged again since, and rejected: {first_fault(entry.status)}"
    if entry.is_kept is not True:
        yield (
            "its text is gone" if entry.is_kept is False else "whether its text is kept is unknown"
        )


def _word(entry: Entry) -> str:
    if entry.activations:
        return _governed(entry.activations[0])
    if entry.became is Became.UNKNOWN and entry.status.get("state") == ACTIVE:
        return "was in force, as its status said; from when and until when is unknown"
    waiting = entry.status.get("waiting")
    text = plain(waiting.get("text")) if isinstance(waiting, dict) else UNKNOWN
    url = f" {plain(waiting.get('url'))}" if isinstance(waiting, dict) else ""
    return {
        Became.REJECTED: f"rejected: {first_fault(entry.status)}",
        Became.WAITING: f"waiting: {text}{url}".rstrip(),
        Became.OVERTAKEN: "waited for an approval until something newer took its place",
        Became.NOT_LOOKED_AT: "not looked at yet",
        Became.DELETED: "the upload was deleted; what was in force stayed in force",
    }.get(entry.became, "unknown: no record tells what became of it")


def _governed(one: Activation) -> str:
    if one.until is None:
        return f"in force since {_since(one)}"
    return f"was in force from {_since(one)} to {utc(one.until)}"


def _notes(records: Records, rows: Sequence[Entry], limit: int) -> Iterator[str]:
    yield from records.notes
    if max(len(rows), len(records.uploads.listed)) > limit:
        yield "there are older uploads: raise --limit to see them"


def _since(one: Activation) -> str:
    return utc(one.policy.activated_at) if one.policy.activated_at else UNKNOWN


def _uploaded(entry: Entry) -> str:
    return utc(entry.at) if entry.is_time_known and entry.at else f"{UNKNOWN:<20}"


def _said(facts: JsonMapping, name: str) -> str:
    return plain(facts[name]) if name in facts else UNKNOWN


def _tree(
    server: str, records: Records, found: Sequence[Entry], notes: Sequence[str]
) -> JsonObject:
    now = records.in_force
    uploads: list[JsonValue] = [_entry_tree(entry) for entry in found]
    return {
        "server": server,
        "in_force": None if now is None else _activation_tree(now),
        "governed": now is not None or (False if not records.has_active else None),
        "uploads": uploads,
        "notes": [*notes],
    }


def _entry_tree(entry: Entry) -> JsonObject:
    activations: list[JsonValue] = [_activation_tree(one) for one in entry.activations]
    faults = entry.status.get("faults")
    return {
        "version": entry.version,
        "uploaded_at": utc(entry.at) if entry.is_time_known and entry.at else None,
        "newest": entry.is_newest,
        "kept": None if entry.became is Became.DELETED else entry.is_kept,
        "became": entry.became.value,
        "faults": faults if isinstance(faults, list) else [],
        "waiting": entry.status.get("waiting"),
        "activations": activations,
    }


def _activation_tree(one: Activation) -> JsonObject:
    policy = one.policy
    return {
        "revision": policy.revision,
        "source_version": policy.source_version,
        "since": utc(policy.activated_at) if policy.activated_at else None,
        "until": None if one.until is None else utc(one.until),
        "release": dict(policy.release),
        "lock": None if policy.lock is None else policy.lock.version,
    }
