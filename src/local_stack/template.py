"""What the local stack needs to know of a template: functions, workflows, routes, rules, resources.

Names, keys, environment variables, handlers, routes, gateway responses and event patterns
are read here and nowhere repeated.

Sources: SAM specification, "AWS::Serverless::Function", "AWS::Serverless::Api",
"ApiFunctionAuth", "AWS::Serverless::StateMachine".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_stack.errors import TemplateError
from local_stack.intrinsics import Physical, Resolver
from local_stack.template_yaml import load_template

FUNCTION = "AWS::Serverless::Function"
API = "AWS::Serverless::Api"
STATE_MACHINE = "AWS::Serverless::StateMachine"

_SUBSTITUTION = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function as Lambda would run it."""

    logical_id: str
    name: str
    handler: str
    runtime: str
    memory_megabytes: int
    timeout_seconds: float
    environment: Mapping[str, str]
    log_group: str
    log_format: str = "Text"
    alias: str | None = None  # what invokes it names this alias


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachine:
    """A workflow; its definition is the file's, with the substitutions carried out."""

    logical_id: str
    definition: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An EventBridge rule with one function as its target."""

    name: str
    pattern: Mapping[str, Any]
    function: str  # logical id
    target: str  # the ARN of the function, or of the alias it publishes
    is_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A resource path (`/mcp/{server}`, `/a/{proxy+}`) and the method (or `ANY`) of a function."""

    path: str
    method: str
    function: str  # logical id
    timeout_seconds: float
    is_open: bool = False  # the authorizer is not asked
    is_signed: bool = False  # nor here: the request is signed with AWS credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizer:
    """A REQUEST authorizer and the headers without which it is not even asked."""

    function: str  # logical id
    identity_headers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResponse:
    """What API Gateway answers itself, by response type; None leaves its own default."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    template: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The REST API: one stage, its routes, and what it answers itself."""

    stage: str
    routes: tuple[Route, ...]
    authorizer: Authorizer
    responses: Mapping[str, GatewayResponse]
    binary_media_types: tuple[str, ...] = ()
    stage_variables: Mapping[str, str] = field(default_factory=dict)


class Template:
    """A loaded template, seen through parameters and the resources that exist so far."""

    def __init__(
        self,
        tree: Mapping[str, Any],
        *,
        parameters: Mapping[str, str],
        folder: Path = Path(),
    ) -> None:
        self._tree = tree
        self._folder = folder
        self.physical: dict[str, Physical] = {}
        self._resolver = Resolver(tree, parameters=parameters, physical=self.physical)

    @classmethod
    def load(cls, path: Path, *, parameters: Mapping[str, str]) -> "Template":
        """Read a template file.

        Raises:
            TemplateError: it cannot be read, or a parameter is unknown or has a wrong value.
        """
        return cls(load_template(path), parameters=parameters, folder=path.resolve().parent)

    def types(self) -> Mapping[str, str]:
        """Logical id to type of every resource whose condition holds, in the file's order."""
        return {
            name: resource["Type"]
            for name, resource in self._tree["Resources"].items()
            if "Condition" not in resource or self._resolver.holds(resource["Condition"])
        }

    def name_of(self, logical_id: str) -> str | None:
        """The name that the template gives a function, None where it gives none."""
        name = self._raw(logical_id).get("FunctionName")
        return None if name is None else str(self._resolver.resolve(name))

    def properties(self, logical_id: str) -> Mapping[str, Any]:
        """The resolved properties of one resource."""
        found: Mapping[str, Any] = self._resolver.resolve(self._raw(logical_id))
        return found

    def functions(self) -> tuple[Function, ...]:
        """Every function; their resources must exist."""
        return tuple(self._function(name) for name in self._of_type(FUNCTION))

    def code_of(self, function: Function) -> Path:
        """The folder with a function's code: src/, or what `sam build` made of it."""
        inherited = (self._tree.get("Globals") or {}).get("Function") or {}
        return self._folder / str({**inherited, **self._raw(function.logical_id)}["CodeUri"])

    def state_machines(self) -> tuple[StateMachine, ...]:
        """Every workflow; what it names must exist.

        Raises:
            TemplateError: its definition cannot be read, or names what is not substituted.
        """
        return tuple(self._state_machine(name) for name in self._of_type(STATE_MACHINE))

    def rules(self) -> tuple[Rule, ...]:
        """Every event rule that a function declares."""
        return tuple(
            Rule(
                name=f"{self.physical[logical_id].ref}-{name}",
                pattern=self._resolver.resolve(event["Pattern"]),
                function=logical_id,
                target=self._target(logical_id),
                is_enabled=self._resolver.resolve(event.get("State", "ENABLED")) == "ENABLED",
            )
            for logical_id, name, kind, event in self._events()
            if kind == "EventBridgeRule"
        )

    def api(self) -> Api:
        """The one REST API.

        Raises:
            TemplateError: there is not exactly one, or it has no REQUEST authorizer.
        """
        names = tuple(self._of_type(API))
        if len(names) != 1:
            raise TemplateError("the template does not have exactly one api")
        raw = self._raw(names[0])
        return Api(
            stage=str(self._resolver.resolve(raw["StageName"])),
            routes=tuple(self._routes()),
            authorizer=self._authorizer(raw),
            responses={
                kind: _gateway_response(self._resolver.resolve(response))
                for kind, response in (raw.get("GatewayResponses") or {}).items()
            },
            binary_media_types=tuple(raw.get("BinaryMediaTypes") or ()),
            stage_variables=self._resolver.resolve(raw.get("Variables") or {}),
        )

    def _raw(self, logical_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._tree["Resources"][logical_id].get("Properties") or {}
        return found

    def _of_type(self, kind: str) -> Iterator[str]:
        return (name for name, found in self.types().items() if found == kind)

    def _function(self, logical_id: str) -> Function:
        inherited = (self._tree.get("Globals") or {}).get("Function") or {}
        properties = {**inherited, **self._raw(logical_id)}
        logging = self._resolver.resolve(properties.get("LoggingConfig") or {})
        name = self.physical[logical_id].ref
        variables = (properties.get("Environment") or {}).get("Variables") or {}
        return Function(
            logical_id=logical_id,
            name=name,
            handler=properties["Handler"],
            runtime=properties["Runtime"],
            memory_megabytes=int(properties["MemorySize"]),
            timeout_seconds=float(properties["Timeout"]),
            environment={
                name: str(value) for name, value in self._resolver.resolve(variables).items()
            },
            log_group=str(logging.get("LogGroup", f"/aws/lambda/{name}")),
            log_format=str(logging.get("LogFormat", "Text")),
            alias=properties.get("AutoPublishAlias"),
        )

    def _target(self, logical_id: str) -> str:
        alias = self._function(logical_id).alias
        return f"{self.physical[logical_id].arn}{'' if alias is None else f':{alias}'}"

    def _state_machine(self, logical_id: str) -> StateMachine:
        properties = self.properties(logical_id)
        try:
            text = (self._folder / str(properties["DefinitionUri"])).read_text("utf-8")
        except (OSError, KeyError) as error:
            raise TemplateError(f"`{logical_id}` has no definition") from error
        return StateMachine(
            logical_id=logical_id,
            definition=substituted(text, properties.get("DefinitionSubstitutions") or {}),
            role=properties["Role"],
        )

    def _events(self) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
        for logical_id in self._of_type(FUNCTION):
            for name, event in (self._raw(logical_id).get("Events") or {}).items():
                if event["Type"] == "Schedule":
                    continue  # nobody's clock ticks here; the function can be invoked
                if event["Type"] not in {"Api", "EventBridgeRule"}:
                    raise TemplateError(f"`{event['Type']}` events are not supported")
                yield logical_id, name, event["Type"], event["Properties"]

    def _routes(self) -> Iterator[Route]:
        for logical_id, _, kind, event in self._events():
            if kind == "Api":
                yield Route(
                    path=event["Path"],
                    method=event["Method"].upper(),
                    function=logical_id,
                    timeout_seconds=event.get("TimeoutInMillis", 29_000) / 1000,
                    is_open=_authorizer_of(event) == "NONE",
                    is_signed=_authorizer_of(event) == "AWS_IAM",
                )

    def _authorizer(self, raw: Mapping[str, Any]) -> Authorizer:
        auth = raw.get("Auth") or {}
        try:
            found = auth["Authorizers"][auth["DefaultAuthorizer"]]
            function = found["FunctionArn"]["Ref"].removesuffix(".Alias")
            if found["FunctionPayloadType"] != "REQUEST" or found["Identity"]["ReauthorizeEvery"]:
                raise TemplateError("only uncached request authorizers are supported")
            return Authorizer(
                function=function, identity_headers=tuple(found["Identity"]["Headers"])
            )
        except (KeyError, TypeError) as error:
            raise TemplateError("the api has no default request authorizer") from error


def substituted(text: str, values: Mapping[str, str]) -> str:
    """A definition with its `${Name}`s carried out, as CloudFormation does: as text.

    Raises:
        TemplateError: one of them has no value.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise TemplateError(f"`{match[1]}` is not substituted")
        return str(values[match[1]])

    return _SUBSTITUTION.sub(value, text)


def _authorizer_of(event: Mapping[str, Any]) -> str | None:
    """A route's own authorizer; None: the default one.

    By SAM's default a signed route invokes its function with the caller's credentials, so
    callers would have to be allowed to invoke it without the API.
    """
    auth = event.get("Auth") or {}
    named: str | None = auth.get("Authorizer")
    if named not in {None, "NONE", "AWS_IAM"}:
        raise TemplateError("a route has the default authorizer, AWS_IAM or none")
    if named == "AWS_IAM" and auth.get("InvokeRole") != "NONE":
        raise TemplateError("a signed route must have the InvokeRole `NONE`")
    return named


def _gateway_response(raw: Mapping[str, Any]) -> GatewayResponse:
    headers = (raw.get("ResponseParameters") or {}).get("Headers") or {}
    status = raw.get("StatusCode")
    return GatewayResponse(
        status=None if status is None else int(status),
        headers={name: _literal(value) for name, value in headers.items()},
        template=(raw.get("ResponseTemplates") or {}).get("application/json"),
    )


def _literal(value: object) -> str:
    """A static value in single quotes, the only mapping expression that is supported."""
    text = str(value)
    if not (len(text) >= 2 and text[0] == text[-1] == "'"):
        raise TemplateError(f"`{text}` is not a quoted value")
    return text[1:-1]
