"""A file of another product to a policy file, its report, and the trial of both.

Only the order of the steps may live here.
"""

from dataclasses import dataclass

from portcullis.policy.document import Loaded
from portcullis.policy.faults import Fault, Findings, PolicyFaults, Positions
from portcullis.policy.policy_text import parse_policy
from portcullis.policy.yaml_text import parse_text
from portcullis_cli.conversion.constructs import Note
from portcullis_cli.conversion.dialects import read_source
from portcullis_cli.conversion.reading import Reader
from portcullis_cli.conversion.source import Dialect, SourcePolicy
from portcullis_cli.conversion.trial import Trial, tried
from portcullis_cli.conversion.writing import Choices, Written, policy_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A conversion that nothing speaks against."""

    source: SourcePolicy
    text: str
    loaded: Loaded
    notes: tuple[Note, ...]
    positions: Positions
    trial: Trial


def convert(
    text: bytes,
    reader: Reader,
    choices: Choices,
    *,
    dialect: Dialect | None = None,
    server: str = "",
) -> Converted:
    """Convert a file.

    Raises:
        PolicyFaults: something in it cannot be carried over, or the result would let a call
            pass that the source refuses.
    """
    read = parse_text(text)
    source = read_source(read, reader, dialect)
    findings = Findings(read.positions)
    writing = Written(choices=choices, findings=findings, notes=reader.notes)
    tree = writing.document(source)
    findings.raise_faults()
    written = policy_text(tree, source, read.positions)
    loaded = _loaded(written)
    trial = tried(source, loaded.policy, server=server)
    if trial.wider:
        tools = ", ".join(sorted({found.tool for found in trial.wider}))
        message = f"the result would let calls pass that the source refuses: {tools}"
        raise PolicyFaults([Fault(path="", message=message, suggestion="report this, please")])
    return Converted(
        source=source,
        text=written,
        loaded=loaded,
        notes=tuple(reader.notes),
        positions=read.positions,
        trial=trial,
    )


def _loaded(text: str) -> Loaded:
    """The result as an upload is read.

    Raises:
        PolicyFaults: what it says cannot be said here; the places are those of the result.
    """
    try:
        return parse_policy(text.encode("utf-8"))
    except PolicyFaults as faulty:
        faults = [
            Fault(path=fault.path, message=f"here: {fault.message}", suggestion=fault.suggestion)
            for fault in faulty.faults
        ]
        raise PolicyFaults(faults) from faulty
