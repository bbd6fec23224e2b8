"""The table of routes: what is in it is answered, what is not is not."""

import pytest

from portcullis.console import routes
from portcullis.console.routes import ROUTES, Action, find_route
from support.console_fakes import CAROL_TOKEN, ConsoleWorld

ID = "0123456789abcdef" * 2


def test_every_action_has_a_route_and_an_answer() -> None:
    named = {action for route in ROUTES for action in route.methods.values()}
    assert named == set(Action) == set(ConsoleWorld().console.answers)


def test_the_docstring_s_table_is_the_table() -> None:
    assert routes.__doc__ is not None
    rows = [line.split("|") for line in routes.__doc__.splitlines() if line.startswith("| `")]
    told = {
        (path.strip(" `"), method)
        for _, path, methods, *_ in rows
        for method in methods.replace(",", " ").split()
    }
    assert told == {(route.path, method) for route in ROUTES for method in route.methods}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_a_path_finds_its_route(route: routes.Route) -> None:
    found = find_route(route.path.replace("{id}", ID))
    assert found is not None
    assert found.route is route
    assert found.approval_id == (ID if "{id}" in route.path else "")


@pytest.mark.parametrize(
    "path",
    [
        "/", "/approvals/", "/approvals/x", f"/approvals/{ID}/", f"/approvals/{ID}0",
        f"/approvals/{ID.upper()}", f"/approvals/{ID[:-1]}", f"/x/{ID}", f"/approvals/x/{ID}",
        f"/approvals/{ID}\n", f"//approvals/{ID}", "/approvals/oidc", "/approvals/login/",
        "/approvals/" + "\uff10" * 32, "/mcp/amazon-mq", "/approvals/{id}",
    ],
)  # fmt: skip
def test_any_other_path_is_not_found(path: str) -> None:
    assert find_route(path) is None
    assert ConsoleWorld().api(CAROL_TOKEN, "GET", path).status == 404


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "QUERY")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_a_path_lacks_is_told_which_it_has(route: routes.Route, method: str) -> None:
    world = ConsoleWorld()
    record = world.ask()
    answer = world.api(CAROL_TOKEN, method, route.path.replace("{id}", record.id))
    assert (answer.status == 405) is (method not in route.methods)
    if answer.status == 405:
        assert answer.header("allow") == ", ".join(route.methods)
    assert world.record(record) == record or method == "POST"


@pytest.mark.parametrize("path", ["/approvals", "/approvals/login", f"/approvals/{'0' * 31}1"])
def test_head_is_answered_like_get_without_the_body(path: str) -> None:
    world = ConsoleWorld()
    world.ask()
    get, head = (world.api(CAROL_TOKEN, method, path) for method in ("GET", "HEAD"))
    assert (head.status, head.headers) == (get.status, get.headers)
    assert head.body == ""
