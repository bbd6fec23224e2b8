import copy
from pathlib import Path
from typing import Any

import pytest

from local_stack.errors import TemplateError
from local_stack.intrinsics import Physical
from local_stack.template import (
    Authorizer,
    Function,
    GatewayResponse,
    Route,
    Rule,
    StateMachine,
    Template,
    substituted,
)

TREE: dict[str, Any] = {
    "Globals": {"Function": {"Runtime": "python3.13", "MemorySize": 1024, "Timeout": 29}},
    "Resources": {
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"A": {"Ref": "Table"}}},
        "Api": {
            "Type": "AWS::Serverless::Api",
            "Properties": {
                "StageName": "prod",
                "Variables": {"proof": {"Fn::Sub": "of ${Table}"}},
                "Auth": {
                    "DefaultAuthorizer": "A",
                    "Authorizers": {
                        "A": {
                            "FunctionArn": {"Ref": "Guard.Alias"},
                            "FunctionPayloadType": "REQUEST",
                            "Identity": {"Headers": ["Authorization"], "ReauthorizeEvery": 0},
                        }
                    },
                },
                "GatewayResponses": {
                    "UNAUTHORIZED": {
                        "StatusCode": 401,
                        "ResponseParameters": {"Headers": {"WWW-Authenticate": "'Bearer'"}},
                        "ResponseTemplates": {"application/json": "{}"},
                    }
                },
            },
        },
        "Guard": {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "g.handler"}},
        "Main": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Handler": "m.handler",
                "Timeout": 5,
                "LoggingConfig": {"LogFormat": "JSON"},
                "Environment": {"Variables": {"TABLE": {"Ref": "Table"}, "N": 3}},
                "Events": {
                    "Http": {"Type": "Api", "Properties": {"Path": "/x/{y}", "Method": "any"}},
                    "Open": {
                        "Type": "Api",
                        "Properties": {
                            "Path": "/open/{rest+}",
                            "Method": "get",
                            "TimeoutInMillis": 5000,
                            "Auth": {"Authorizer": "NONE"},
                        },
                    },
                    "Signed": {
                        "Type": "Api",
                        "Properties": {
                            "Path": "/signed",
                            "Method": "post",
                            "Auth": {"Authorizer": "AWS_IAM", "InvokeRole": "NONE"},
                        },
                    },
                    "Put": {
                        "Type": "EventBridgeRule",
                        "Properties": {"Pattern": {"source": [{"Ref": "Table"}]}},
                    },
                },
            },
        },
    },
}


def make_template(tree: dict[str, Any] = TREE) -> Template:
    template = Template(tree, parameters={})
    template.physical.update(
        {name: Physical(ref=f"p-{name}", arn=f"arn:{name}") for name in tree["Resources"]}
    )
    return template


def test_a_function_inherits_the_globals_and_its_variables_are_resolved() -> None:
    assert make_template().functions()[1] == Function(
        logical_id="Main",
        name="p-Main",
        handler="m.handler",
        runtime="python3.13",
        memory_megabytes=1024,
        timeout_seconds=5.0,
        environment={"TABLE": "p-Table", "N": "3"},
        log_group="/aws/lambda/p-Main",
        log_format="JSON",
    )


def test_a_rule_names_its_pattern_and_its_function() -> None:
    assert make_template().rules() == (
        Rule(
            name="p-Main-Put",
            pattern={"source": ["p-Table"]},
            function="Main",
            target="arn:Main",
        ),
    )


def test_a_rule_s_target_is_the_alias_where_the_function_publishes_one() -> None:
    tree = copy.deepcopy(TREE)
    tree["Globals"]["Function"]["AutoPublishAlias"] = "live"
    (rule,) = make_template(tree).rules()
    assert rule.target == "arn:Main:live"
    assert make_template(tree).functions()[1].alias == "live"


def test_the_api_has_its_routes_authorizer_and_responses() -> None:
    api = make_template().api()
    assert api.stage == "prod"
    assert api.routes == (
        Route(path="/x/{y}", method="ANY", function="Main", timeout_seconds=29.0),
        Route(
            path="/open/{rest+}", method="GET", function="Main", timeout_seconds=5.0, is_open=True
        ),
        Route(path="/signed", method="POST", function="Main", timeout_seconds=29.0, is_signed=True),
    )
    assert api.stage_variables == {"proof": "of p-Table"}
    assert api.authorizer == Authorizer(function="Guard", identity_headers=("Authorization",))
    assert api.responses == {
        "UNAUTHORIZED": GatewayResponse(
            status=401, headers={"WWW-Authenticate": "Bearer"}, template="{}"
        )
    }


def test_properties_of_a_resource_are_resolved() -> None:
    assert make_template().properties("Table") == {"A": "p-Table"}


def test_a_resource_exists_where_its_condition_holds() -> None:
    tree = copy.deepcopy(TREE)
    tree["Conditions"] = {"On": {"Fn::Equals": [1, 1]}, "Off": {"Fn::Equals": [1, 2]}}
    for name in ("On", "Off"):
        tree["Resources"][name] = {"Type": "AWS::SNS::Topic", "Condition": name}
    assert set(make_template(tree).types()) == {*TREE["Resources"], "On"}


def make_workflow(folder: Path, **properties: object) -> Template:
    (folder / "w.asl.json").write_text('{"t": "${Table}", "n": "${N}", "path": "$.x"}', "utf-8")
    machine = {
        "DefinitionUri": "w.asl.json",
        "DefinitionSubstitutions": {"Table": {"Ref": "Table"}, "N": 3},
        "Role": {"Fn::GetAtt": ["Table", "Arn"]},
        **properties,
    }
    resources = {"W": {"Type": "AWS::Serverless::StateMachine", "Properties": machine}}
    template = Template({"Resources": resources}, parameters={}, folder=folder)
    template.physical["Table"] = Physical(ref="the-table", arn="arn:table")
    return template


def test_a_workflow_is_its_file_with_the_substitutions_carried_out(tmp_path: Path) -> None:
    assert make_workflow(tmp_path).state_machines() == (
        StateMachine(
            logical_id="W",
            definition='{"t": "the-table", "n": "3", "path": "$.x"}',
            role="arn:table",
        ),
    )


@pytest.mark.parametrize(
    "properties",
    [{"DefinitionUri": "elsewhere.json"}, {"DefinitionSubstitutions": {"Table": "t"}}],
)
def test_a_workflow_that_cannot_be_told_is_an_error(
    tmp_path: Path, properties: dict[str, object]
) -> None:
    with pytest.raises(TemplateError):
        make_workflow(tmp_path, **properties).state_machines()


def test_a_substitution_is_not_carried_out_twice() -> None:
    assert substituted("${A}", {"A": "${B}", "B": "b"}) == "${B}"


def changed(*path: str, to: object) -> Template:
    tree = copy.deepcopy(TREE)
    place = tree
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return make_template(tree)


API = ("Resources", "Api", "Properties")
AUTHORIZER = (*API, "Auth", "Authorizers", "A")


@pytest.mark.parametrize(
    "template",
    [
        changed("Resources", "Api", "Type", to="AWS::Other"),
        changed(*API, "Auth", to={}),
        changed(*AUTHORIZER, "FunctionPayloadType", to="TOKEN"),
        changed(*AUTHORIZER, "Identity", "ReauthorizeEvery", to=300),
        changed(
            *API,
            "GatewayResponses",
            "UNAUTHORIZED",
            "ResponseParameters",
            to={"Headers": {"X": "context.requestId"}},
        ),
        changed("Resources", "Main", "Properties", "Events", "Http", "Type", to="SQS"),
        changed(
            *("Resources", "Main", "Properties", "Events", "Open", "Properties"),
            "Auth",
            to={"Authorizer": "Other"},
        ),
        changed(
            *("Resources", "Main", "Properties", "Events", "Signed", "Properties"),
            "Auth",
            to={"Authorizer": "AWS_IAM"},
        ),
    ],
)
def test_an_api_that_the_front_cannot_stand_in_for_is_an_error(template: Template) -> None:
    with pytest.raises(TemplateError):
        template.api()


def test_a_rule_that_is_disabled_is_made_so() -> None:
    tree = copy.deepcopy(TREE)
    tree["Resources"]["Main"]["Properties"]["Events"]["Put"]["Properties"]["State"] = "DISABLED"
    (rule,) = make_template(tree).rules()
    assert not rule.is_enabled


def test_a_function_has_the_name_that_the_template_gives_it() -> None:
    tree = copy.deepcopy(TREE)
    tree["Resources"]["Main"]["Properties"]["FunctionName"] = {"Fn::Sub": "of-${AWS::Region}"}
    template = make_template(tree)
    assert template.name_of("Main") == "of-us-east-1"
    assert template.name_of("Guard") is None
