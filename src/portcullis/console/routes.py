"""What the console answers. What is not in this table is not found, or not allowed (405).

| path                      | method    | who                   | what                          |
|---------------------------|-----------|-----------------------|-------------------------------|
| `/approvals`              | GET, HEAD | approvers, admins     | the requests they may see     |
| `/approvals/{id}`         | GET, HEAD | whoever may see it    | one request, in full          |
| `/approvals/{id}`         | POST      | whom the rule names   | approve or deny               |
| `/approvals/login`        | GET, HEAD | everybody             | the sign-in page              |
| `/approvals/login`        | POST      | holders of a grant    | sign in with its token        |
| `/approvals/logout`       | POST      | who is signed in      | sign out                      |
| `/approvals/oidc/start`   | GET       | everybody             | go to the issuer to sign in   |
| `/approvals/oidc/callback`| GET       | who comes from there  | come back, signed in          |

GET and HEAD change nothing but who is signed in. A bearer credential is answered in JSON, a
browser in HTML. An id is 32 hexadecimal digits; an unknown one, and one that the person may
not see, are answered alike.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

ID: Final = re.compile(r"[0-9a-f]{32}")


class Action(Enum):
    """What a request asks the console to do."""

    LIST = "list"
    SHOW = "show"
    DECIDE = "decide"
    SIGN_IN_PAGE = "sign-in page"
    SIGN_IN = "sign in"
    SIGN_OUT = "sign out"
    GO_TO_ISSUER = "go to the issuer"
    COME_BACK = "come back from the issuer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One path and what its methods do."""

    path: str
    methods: Mapping[str, Action]


ROUTES: Final = (
    Route(path="/approvals", methods={"GET": Action.LIST, "HEAD": Action.LIST}),
    Route(
        path="/approvals/login",
        methods={
            "GET": Action.SIGN_IN_PAGE,
            "HEAD": Action.SIGN_IN_PAGE,
            "POST": Action.SIGN_IN,
        },
    ),
    Route(path="/approvals/logout", methods={"POST": Action.SIGN_OUT}),
    Route(path="/approvals/oidc/start", methods={"GET": Action.GO_TO_ISSUER}),
    Route(path="/approvals/oidc/callback", methods={"GET": Action.COME_BACK}),
    Route(
        path="/approvals/{id}",
        methods={"GET": Action.SHOW, "HEAD": Action.SHOW, "POST": Action.DECIDE},
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A route, and the id that its path names."""

    route: Route
    approval_id: str = ""


def find_route(path: str) -> Found | None:
    """The route of a path, None where there is none."""
    before, _, last = path.rpartition("/")
    for route in ROUTES:
        if route.path == path and "{" not in path:
            return Found(route=route)
        if route.path == f"{before}/{{id}}" and ID.fullmatch(last):
            return Found(route=route, approval_id=last)
    return None
