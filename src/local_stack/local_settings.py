"""What the local runner reads from its environment. Nothing else in the package does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_stack.errors import LocalStackError
from portcullis.registration.words import SERVER_NAME

REPOSITORY = Path(__file__).resolve().parents[2]

# What a child process may need of this machine; all else it gets is the template's.
_PASSED_ON = (
    "HTTPS_PROXY",
    "LANG",
    "PATH",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "TMPDIR",
)
_PASSED_ON_PREFIX = "COVERAGE_"  # so that a test run sees what the children execute


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """How to run the stack on this machine."""

    host: str
    port: int  # 0: any free one
    policies: Path
    servers: Mapping[str, Mapping[str, object]]  # by name: a registration but its version
    parameters: Mapping[str, str]
    template: Path
    inherited: Mapping[str, str]


def read_local_settings(environment: Mapping[str, str]) -> LocalSettings:
    """Read HOST, PORT, POLICIES, SERVERS, PARAMETERS and TEMPLATE; all may be absent.

    Raises:
        LocalStackError: one of them is unusable; the text names it.
    """
    parameters = _map(environment, "PARAMETERS")
    return LocalSettings(
        host=environment.get("HOST") or "127.0.0.1",
        port=_port(environment),
        policies=_folder(environment),
        servers=_servers(environment),
        parameters={name: _text(value) for name, value in parameters.items()},
        template=_template(environment),
        inherited={
            name: value
            for name, value in environment.items()
            if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIX)
        },
    )


def _map(environment: Mapping[str, str], name: str) -> dict[str, object]:
    try:
        tree = json.loads(environment.get(name) or "{}")
    except ValueError as error:
        raise LocalStackError(f"`{name}` is not json") from error
    if not isinstance(tree, dict):
        raise LocalStackError(f"`{name}` is not a json object")
    return tree


def _servers(environment: Mapping[str, str]) -> dict[str, Mapping[str, object]]:
    servers: dict[str, Mapping[str, object]] = {}
    for name, entry in _map(environment, "SERVERS").items():
        if not SERVER_NAME.fullmatch(name) or not isinstance(entry, dict):
            raise LocalStackError(f"`SERVERS`: `{name}` is no server's name with what it is")
        servers[name] = entry
    return servers


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _port(environment: Mapping[str, str]) -> int:
    text = environment.get("PORT") or "0"
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise LocalStackError("`PORT` is not a port number")
    return int(text)


def _folder(environment: Mapping[str, str]) -> Path:
    folder = Path(environment.get("POLICIES") or REPOSITORY / "policies").resolve()
    if not folder.is_dir():
        raise LocalStackError(f"`POLICIES` is not a folder: `{folder}`")
    return folder


def _template(environment: Mapping[str, str]) -> Path:
    path = Path(environment.get("TEMPLATE") or REPOSITORY / "template.yaml").resolve()
    if not path.is_file():
        raise LocalStackError(f"`TEMPLATE` is not a file: `{path}`")
    return path
