"""Configuring a package by its own `main()`, with a stand-in package."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer

from mcp_host.awslabs_server import (
    ToolTable,
    bound_requests,
    configure,
    made_by,
    scope_attributes,
)
from mcp_host.sdk_logs import root_logger_kept


class Widget:
    """Something the package makes."""

    def __init__(self, name: str) -> None:
        self.name = name


@pytest.fixture
def package() -> Any:
    """A module shaped like an awslabs server."""
    module: Any = ModuleType("stand_in_package")
    with root_logger_kept():
        module.mcp = MCPServer("stand-in")
    module.Widget = Widget
    module.seen = []

    def main() -> None:
        module.seen.append(list(sys.argv))
        module.widget = module.Widget("one")
        module.mcp.run()

    module.main = main
    return module


def test_main_runs_with_our_arguments_and_serves_nothing(package: Any) -> None:
    command_line = list(sys.argv)

    assert configure(package, ["--allow-write"]) is package.mcp

    assert package.seen == [["stand_in_package", "--allow-write"]]
    assert sys.argv == command_line
    assert "run" not in vars(package.mcp)


def test_a_main_that_fails_leaves_nothing_replaced(package: Any) -> None:
    command_line = list(sys.argv)
    package.main = lambda: sys.exit(2)
    with pytest.raises(SystemExit):
        configure(package, ["--unknown"])

    assert sys.argv == command_line
    assert "run" not in vars(package.mcp)


def test_a_package_without_a_server_is_refused() -> None:
    with pytest.raises(TypeError, match="no MCP server"):
        configure(ModuleType("other"), [])


def test_what_main_makes_can_be_collected(package: Any) -> None:
    with made_by(package, "Widget") as made:
        configure(package, [])

    assert made == [package.widget]
    assert type(package.widget) is Widget
    assert package.Widget is Widget


def test_requests_of_a_module_get_a_time_limit() -> None:
    seen: list[dict[str, object]] = []
    module: Any = ModuleType("admin")
    module.requests = SimpleNamespace(request=lambda *_a, **options: seen.append(options))

    bound_requests(module, connect_seconds=1, read_seconds=2)
    module.requests.request("GET", "https://broker", verify=True)

    assert seen == [{"timeout": (1, 2), "verify": True}]


def test_the_real_admin_module_makes_its_requests_through_the_name_we_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from awslabs.amazon_mq_mcp_server.rabbitmq import admin  # noqa: PLC0415

    seen: list[dict[str, object]] = []

    def request(*_arguments: object, **options: object) -> object:
        seen.append(options)
        return SimpleNamespace(raise_for_status=lambda: None)

    monkeypatch.setattr(admin, "requests", SimpleNamespace(request=request))
    bound_requests(admin, connect_seconds=1, read_seconds=2)
    admin.RabbitMQAdmin("broker", "user", "password").test_connection()

    assert seen[0]["timeout"] == (1, 2)
    assert seen[0]["verify"] is True


def test_an_attribute_becomes_a_property_of_this_instance_alone() -> None:
    one, other = Widget("one"), Widget("other")
    scope_attributes(one, {"name": property(lambda _self: "scoped")})

    assert one.name == "scoped"
    assert other.name == "other"
    assert isinstance(one, Widget)


def test_replacing_a_tools_function_leaves_its_definition(package: Any) -> None:
    @package.mcp.tool()  # type: ignore[untyped-decorator]  # the stand-in is untyped
    async def add(left: int, right: int) -> int:
        """Add."""
        return left + right

    table = ToolTable(package.mcp)
    definition = package.mcp._tool_manager.get_tool("add").parameters
    table.replace("add", lambda left, right: left - right)

    tool = package.mcp._tool_manager.get_tool("add")
    assert tool.parameters == definition
    assert tool.is_async is False
    assert table.names() == ("add",)
    assert table.function("add")(left=3, right=1) == 2
