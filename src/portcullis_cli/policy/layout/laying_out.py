"""A policy text in the one layout, or no text at all.

Nothing is believed of what the layout does: its outcome is read again, and where it does not
say the same, or a comment is not where it was, it is thrown away.
"""

from collections import Counter
from typing import Final

from portcullis.policy.policy_text import parse_policy
from portcullis.policy.yaml_text import parse_text
from portcullis.strictjson import canonical
from portcullis.values import JsonObject
from portcullis_cli.policy.layout.reading import Entry, read_entries
from portcullis_cli.policy.layout.writing import write_entries

_A_LOCK: Final[JsonObject] = {"tools": {}}


class LayoutError(Exception):
    """The text cannot be laid out and keep its meaning and its comments."""


def lay_out(data: bytes) -> bytes:
    """Answer the policy text in the one layout.

    The layout does not hang on the lock, so a policy that speaks of one needs none here.

    Raises:
        PolicyFaults: it is no sound policy.
        LayoutError: it is JSON, or its layout would change its meaning or lose a comment.
    """
    revision = parse_policy(data, lock=_A_LOCK).policy.revision
    before = read_entries(data.decode("utf-8").replace("\r\n", "\n"))
    if before.is_flow:
        raise LayoutError("it is one `{...}`, as JSON is; only a policy in lines is laid out")
    made = write_entries(before).encode("utf-8")
    try:
        says_the_same = parse_policy(made, lock=_A_LOCK).policy.revision == revision and canonical(
            parse_text(made).tree
        ) == canonical(parse_text(data).tree)
        after = read_entries(made.decode("utf-8"))
    except Exception as error:  # whatever broke, nothing is written
        raise LayoutError("it could not be read again once it was laid out") from error
    if not says_the_same:
        raise LayoutError("it would say something else once it was laid out")
    _same_comments(before, after)
    if write_entries(after).encode("utf-8") != made:
        raise LayoutError("its layout would change each time")
    return made


def _same_comments(before: Entry, after: Entry) -> None:
    lost = Counter(before.told()) - Counter(after.told())
    if lost:
        _, _, text = next(iter(lost))
        raise LayoutError(f"the comment {text[:60]!r} would lose its place: move it")
