"""The deployed console on API Gateway's events, as Lambda would call it; moto stands for AWS."""

import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from moto import mock_aws

from portcullis.adapters.dynamodb_approvals import DynamoDBApprovalStore
from portcullis.adapters.dynamodb_grants import create_grant, token_digest
from portcullis.adapters.kms_vault import KmsVault
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State
from portcullis.entrypoints.clocks import clock
from portcullis.gateway.approval_ports import ARGUMENTS
from portcullis.gateway.deciding import call_of
from portcullis.policy.fingerprint import digest
from portcullis.strictjson import canonical
from support.approval_records import make_question, make_record
from support.console_fakes import ARGUMENTS_OF_BOB, make_event
from support.engines import create_state_table

PAGE = Path(__file__).parents[2] / "events" / "approvals-page.json"


@dataclass(frozen=True, kw_only=True)
class Account:
    """An emulated account with a console, two grants, and a request that waits."""

    dynamodb: Any
    table: str
    store: DynamoDBApprovalStore
    record: ApprovalRecord
    approver: str
    agent: str
    handler: Any

    def send(self, method: str, target: str, *, body: Any = None, **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.handler(make_event(method, target, headers=given, body=body), None)

    def state(self) -> State:
        record = self.store.read(self.record.id)
        assert record is not None
        return record.state


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        kms = boto3.client("kms", region_name="us-east-1")
        table = create_state_table(dynamodb)
        key = kms.create_key()["KeyMetadata"]["Arn"]
        secret = boto3.client("secretsmanager", region_name="us-east-1").create_secret(
            Name="console", SecretString="a secret of the console"
        )["ARN"]
        for name, value in {
            "TABLE": table,
            "STORE_TIMEOUT_SECONDS": "2",
            "APPROVAL_KEY_ID": key,
            "APPROVAL_RETENTION_SECONDS": "86400",
            "STACK": "portcullis",
            "CONSOLE_KEY_SECRET": secret,
            "CONSOLE_SESSION_SECONDS": "3600",
            **dict.fromkeys(
                (
                    "PUBLIC_URL", "ALLOWED_HOSTS", "OIDC_ISSUER", "OIDC_CLIENT_ID",
                    "OIDC_CLIENT_SECRET", "OIDC_GROUPS_CLAIM",
                ),
                "",
            ),
        }.items():  # fmt: skip
            monkeypatch.setenv(f"PORTCULLIS_{name}", value)
        module = importlib.import_module("portcullis.entrypoints.lambda_console")
        store = DynamoDBApprovalStore(dynamodb, table, retention_seconds=86_400, clock=clock)
        now = clock().micros // 1_000_000
        yield Account(
            dynamodb=dynamodb,
            table=table,
            store=store,
            record=ask(store, KmsVault(lambda: kms, key), now),
            approver=mint(dynamodb, table, now, name="carol", role="approver",
                          person="carol@example.com"),
            agent=mint(dynamodb, table, now, name="ci", servers=["aws-iam"]),
            handler=importlib.reload(module).handler,
        )  # fmt: skip


def mint(dynamodb: Any, table: str, now: int, **grant: Any) -> str:
    return create_grant(dynamodb, table, now_seconds=now, lifetime_seconds=3600, **grant)


def ask(store: DynamoDBApprovalStore, vault: KmsVault, now: int) -> ApprovalRecord:
    record = make_record(asked_at=now, expires_at=now + 1800)
    bound = replace(record.binding, arguments=digest(call_of(record, ARGUMENTS_OF_BOB)))
    record = replace(record, binding=bound)
    sealed = vault.seal(record.id, ARGUMENTS, canonical(ARGUMENTS_OF_BOB))
    assert store.create(make_question(record, sealed_arguments=sealed))
    return record


def test_a_program_looks_at_a_request_and_approves_it(account: Account) -> None:
    target = f"/approvals/{account.record.id}"
    bearer = f"Bearer {account.approver}"
    shown = account.send("GET", target, authorization=bearer)
    assert shown["statusCode"] == 200
    assert json.loads(shown["body"])["arguments"] == ARGUMENTS_OF_BOB
    listed = account.send("GET", "/approvals", authorization=bearer)
    assert [one["id"] for one in json.loads(listed["body"])["approvals"]] == [account.record.id]
    decided = account.send(
        "POST", target, authorization=bearer, content_type="application/json",
        body='{"decision": "approve", "comment": "fine"}',
    )  # fmt: skip
    assert decided["statusCode"] == 200
    assert json.loads(decided["body"])["state"] == "APPROVED"
    assert account.state() is State.APPROVED


def test_a_person_signs_in_and_denies_in_a_browser(account: Account) -> None:
    own = {"sec_fetch_site": "same-origin"}
    page = account.send("GET", "/approvals/login", **own)
    start = page["multiValueHeaders"]["set-cookie"][0].partition(";")[0]
    form = {"content_type": "application/x-www-form-urlencoded", "origin": "null", **own}
    fields = urlencode({"token": account.approver, "csrf": form_token(page)})
    entered = account.send("POST", "/approvals/login", body=fields, cookie=start, **form)
    assert entered["statusCode"] == 303
    session = entered["multiValueHeaders"]["set-cookie"][0].partition(";")[0]
    target = f"/approvals/{account.record.id}"
    shown = account.send("GET", target, cookie=session, **own)
    assert "Waiting for a decision" in shown["body"]
    fields = urlencode({"word": "deny", "csrf": form_token(shown), "comment": "no"})
    decided = account.send("POST", target, body=fields, cookie=session, **form)
    assert decided["statusCode"] == 303
    assert account.state() is State.DENIED


def form_token(page: Any) -> str:
    return str(re.findall(r'name="csrf" value="([^"]+)"', page["body"])[-1])


def test_a_revoked_grant_is_out_at_once(account: Account) -> None:
    bearer = f"Bearer {account.approver}"
    assert account.send("GET", "/approvals", authorization=bearer)["statusCode"] == 200
    account.dynamodb.update_item(
        TableName=account.table,
        Key={"pk": {"S": f"GRANT#{token_digest(account.approver)}"}, "sk": {"S": "GRANT"}},
        UpdateExpression="SET revoked = :yes",
        ExpressionAttributeValues={":yes": {"BOOL": True}},
    )
    assert account.send("GET", "/approvals", authorization=bearer)["statusCode"] == 401


def test_an_agent_s_grant_decides_nothing(account: Account) -> None:
    answer = account.send(
        "POST", f"/approvals/{account.record.id}", authorization=f"Bearer {account.agent}",
        content_type="application/json", body='{"decision": "approve"}',
    )  # fmt: skip
    assert answer["statusCode"] == 403
    assert account.state() is State.PENDING


def test_the_sample_event_comes_to_the_sign_in_page(account: Account) -> None:
    answer = account.handler(json.loads(PAGE.read_text()), None)
    assert answer["statusCode"] == 401
    assert 'action="/prod/approvals/login"' in answer["body"]


@pytest.mark.parametrize("event", [{}, {"httpMethod": "GET", "path": "/approvals"}])
def test_an_event_that_is_none_is_refused(account: Account, event: dict[str, Any]) -> None:
    answer = account.handler(event, None)
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["error"]["code"] == "bad_request"


def test_a_table_that_is_gone_is_503_and_decides_nothing(account: Account) -> None:
    account.dynamodb.delete_table(TableName=account.table)
    answer = account.send("GET", "/approvals", authorization=f"Bearer {account.approver}")
    assert answer["statusCode"] == 503
    assert json.loads(answer["body"])["error"]["code"] == "unavailable"
