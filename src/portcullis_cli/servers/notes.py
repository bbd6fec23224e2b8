"""What somebody should look at, of one server, and what to do next. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from portcullis.activation.status import ACTIVE, REJECTED, WAITING
from portcullis_cli.rendering import plain
from portcullis_cli.servers.facts import Drift, Kind, Server, Upload


class About(Enum):
    """What a note is about."""

    REGISTRATION = "registration"
    POLICY = "policy"
    UPLOAD = "upload"
    WAITING = "waiting"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing to look at; both texts are safe to print. `do` is a command or a page."""

    server: str
    about: About
    what: str
    do: str


def notes_of(server: Server) -> Iterator[Note]:
    """Everything about a server that somebody should look at."""
    yield from _of_registration(server)
    yield from _of_policy(server)
    yield from _of_upload(server)
    yield from _of_drift(server)


def _of_registration(server: Server) -> Iterator[Note]:
    name, told = server.name, server.registration
    do = f"mend it and upload incoming/servers/{name}.yaml; see docs/how-to/register-a-server.md"
    if isinstance(told, Upload) and told.state == REJECTED:
        what = f"the newest registration was rejected: {_faults(told)}"
        yield Note(server=name, about=About.REGISTRATION, what=what, do=do)
    elif isinstance(told, Upload) and told.state == "unseen":
        yield _unseen(name, About.REGISTRATION, "a registration")
    elif server.kind is Kind.NONE:
        what = "no server is registered under this name"
        yield Note(
            server=name, about=About.REGISTRATION, what=what,
            do=f"upload incoming/servers/{name}.yaml; see docs/how-to/register-a-server.md",
        )  # fmt: skip


def _of_policy(server: Server) -> Iterator[Note]:
    if server.policy is None and server.kind not in (Kind.NONE, Kind.REMOVED):
        yield Note(
            server=server.name,
            about=About.POLICY,
            what="no policy is in force: every call is denied",
            do=f"portcullis policy push {server.name}.yaml",
        )


def _of_upload(server: Server) -> Iterator[Note]:
    name, told = server.name, server.upload
    if not isinstance(told, Upload) or told.state == ACTIVE:
        return
    if told.state == "unseen":
        yield _unseen(name, About.UPLOAD, "a policy")
    elif told.state == WAITING:
        what = f"the newest policy waits: {plain(told.waits_for)}"
        yield Note(server=name, about=About.WAITING, what=what, do="portcullis approvals list")
    elif told.state == REJECTED:
        what = f"the newest policy was rejected: {_faults(told)}"
        do = f"portcullis policy pull {name}, mend it, portcullis policy push"
        yield Note(server=name, about=About.UPLOAD, what=what, do=do)
    else:
        what = f"the status of the newest policy is `{plain(told.state)}`, which is not known"
        do = "use a newer portcullis"
        yield Note(server=name, about=About.UPLOAD, what=what, do=do)


def _of_drift(server: Server) -> Iterator[Note]:
    found = server.drift
    if isinstance(found, Drift) and (found.changed or found.added):
        yield Note(
            server=server.name,
            about=About.DRIFT,
            what=f"tools are not as they were locked: {drift_words(found)}",
            do=f"portcullis servers show {server.name}, "
            "then portcullis lock --accept once they are read",
        )


def _unseen(name: str, about: About, what: str) -> Note:
    return Note(
        server=name,
        about=about,
        what=f"{what} was uploaded and not looked at",
        do="docs/operate.md#deadlettersalarm",
    )


def _faults(told: Upload) -> str:
    more = f", and {told.faults - 1} more" if told.faults > 1 else ""
    return f"{plain(told.fault)}{more}"


def drift_words(found: Drift) -> str:
    """How tools differ from their lock, in numbers: `2 changed, 1 new`."""
    counts = ((found.changed, "changed"), (found.added, "new"), (found.missing, "missing"))
    told = [f"{len(names)} {word}" for names, word in counts if names]
    return ", ".join(told) or f"{found.locked} as locked"
