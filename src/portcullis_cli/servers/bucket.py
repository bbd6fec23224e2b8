"""What the bucket of a deployment holds of its servers, read as it lies there.

Which objects there are is listed first: S3 tells a missing object from a forbidden one only to
who may list. An object that cannot be read is `Untold`, never taken for one that is not there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from portcullis.adapters.aws_calls import Client
from portcullis.adapters.s3_snapshots import MAXIMUM_BYTES
from portcullis.errors import StrictJsonError
from portcullis.registration.words import SERVER_NAME
from portcullis.strictjson import parse
from portcullis.values import JsonObject
from portcullis_cli.errors import unavailable
from portcullis_cli.kept_grants import aws_answers
from portcullis_cli.policy.deployment import read_object
from portcullis_cli.untold import Untold, told_or_not

Tree: TypeAlias = JsonObject | Untold | None

POLICY: Final = ("active/policies/", ".json")
REGISTRATION: Final = ("active/servers/", ".json")
STATUS: Final = ("status/", ".json")
REGISTRATION_STATUS: Final = ("status/servers/", ".json")
UPLOAD: Final = ("incoming/policies/", ".yaml")
REGISTRATION_UPLOAD: Final = ("incoming/servers/", ".yaml")
TOOLS: Final = ("snapshots/", ".json")
FOLDERS: Final = (
    POLICY, REGISTRATION, STATUS, REGISTRATION_STATUS, UPLOAD, REGISTRATION_UPLOAD, TOOLS,
)  # fmt: skip
MOST_PAGES: Final = 20  # of 1000 objects, a folder

Folder: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the bucket holds of one server; None: nothing.

    `uploads`: the folders of UPLOAD and REGISTRATION_UPLOAD in which it has an upload.
    """

    name: str
    policy: bytes | Untold | None = None
    registration: Tree = None
    status: Tree = None
    registration_status: Tree = None
    tools: bytes | Untold | None = None
    uploads: frozenset[Folder] = field(default_factory=frozenset)


class ServersBucket:
    """The bucket of one deployment, as somebody with their own AWS credentials sees it."""

    def __init__(self, client: Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def names(self) -> Mapping[Folder, frozenset[str]]:
        """The servers that each folder has an object of.

        Raises:
            CommandError: the bucket does not answer, or holds more than can be looked at.
        """
        return {folder: frozenset(self._names(*folder)) for folder in FOLDERS}

    def kept(self, name: str, known: Mapping[Folder, frozenset[str]]) -> Kept:
        """What there is of one server; `known` is what `names` answered."""

        def raw(folder: Folder) -> bytes | Untold | None:
            return self._read(folder, name) if name in known[folder] else None

        return Kept(
            name=name,
            policy=raw(POLICY),
            registration=_tree(raw(REGISTRATION), _key(REGISTRATION, name)),
            status=_tree(raw(STATUS), _key(STATUS, name)),
            registration_status=_tree(raw(REGISTRATION_STATUS), _key(REGISTRATION_STATUS, name)),
            tools=raw(TOOLS),
            uploads=frozenset(one for one in (UPLOAD, REGISTRATION_UPLOAD) if name in known[one]),
        )

    def _names(self, prefix: str, suffix: str) -> Iterable[str]:
        more: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            with aws_answers():
                page = self._client.list_objects_v2(
                    Bucket=self._bucket, Prefix=prefix, Delimiter="/", **more
                )
            for one in page.get("Contents", ()):
                name = str(one["Key"]).removeprefix(prefix).removesuffix(suffix)
                if one["Key"] == f"{prefix}{name}{suffix}" and SERVER_NAME.fullmatch(name):
                    yield name
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}
        raise unavailable(f"{prefix} holds more than {MOST_PAGES * 1000} objects")

    def _read(self, folder: Folder, name: str) -> bytes | Untold | None:
        key = _key(folder, name)

        def read() -> bytes | None:
            found = read_object(self._client, self._bucket, key, maximum=MAXIMUM_BYTES)
            return None if found is None else found.text

        found = told_or_not(read)
        return Untold(f"{key}: {found.why}") if isinstance(found, Untold) else found


def _key(folder: Folder, name: str) -> str:
    prefix, suffix = folder
    return f"{prefix}{name}{suffix}"


def _tree(text: bytes | Untold | None, key: str) -> Tree:
    if text is None or isinstance(text, Untold):
        return text
    try:
        tree = parse(text, max_bytes=MAXIMUM_BYTES)
    except StrictJsonError:
        tree = None
    return tree if isinstance(tree, dict) else Untold(f"{key}: it cannot be understood")
