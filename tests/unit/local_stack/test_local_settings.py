import json
from pathlib import Path

import pytest

from local_stack.errors import LocalStackError
from local_stack.local_settings import REPOSITORY, read_local_settings


def test_everything_may_be_absent() -> None:
    settings = read_local_settings({})
    assert (settings.host, settings.port) == ("127.0.0.1", 0)
    assert settings.policies == REPOSITORY / "policies"
    assert settings.template == REPOSITORY / "template.yaml"
    assert settings.parameters == {}
    assert settings.servers == {}


def test_servers_and_parameters_are_read(tmp_path: Path) -> None:
    servers = {"x": {"url": "http://127.0.0.1:1/mcp"}}
    settings = read_local_settings(
        {
            "HOST": "localhost",
            "PORT": "8080",
            "POLICIES": str(tmp_path),
            "SERVERS": json.dumps(servers),
            "PARAMETERS": '{"SessionCap": 2, "AllowedOrigins": "http://a"}',
        }
    )
    assert (settings.host, settings.port, settings.policies) == ("localhost", 8080, tmp_path)
    assert settings.servers == servers
    assert settings.parameters["SessionCap"] == "2"
    assert settings.parameters["AllowedOrigins"] == "http://a"


def test_children_inherit_only_what_is_named() -> None:
    environment = {"PATH": "/bin", "AWS_PROFILE": "mine", "SECRET": "s", "COVERAGE_RUN": "1"}
    assert read_local_settings(environment).inherited == {"PATH": "/bin", "COVERAGE_RUN": "1"}


@pytest.mark.parametrize(
    "environment",
    [
        {"PORT": "x"},
        {"PORT": "-1"},
        {"PORT": "65536"},
        {"SERVERS": "x"},
        {"SERVERS": '{"x": "http://127.0.0.1:1"}'},
        {"SERVERS": '{"Not Ours": {"url": "http://127.0.0.1:1"}}'},
        {"PARAMETERS": "[]"},
        {"POLICIES": "/does/not/exist"},
        {"TEMPLATE": "/does/not/exist"},
    ],
)
def test_an_unusable_setting_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(LocalStackError) as caught:
        read_local_settings(environment)
    assert next(iter(environment)) in str(caught.value)
