"""The rows of threat cases I01-I21: policies, and calls as raw JSON text.

Data only. A case's policy is about one tool; `denied` rows reach no upstream, `executed`
rows execute once, with the very values that were evaluated.
"""

import json
from dataclasses import dataclass

from threats.gate import Json
from threats.gate_limits import one_tool, when


@dataclass(frozen=True, slots=True)
class Case:
    """One policy and the arguments it is asked about."""

    policy: str
    tool: str
    denied: list[str]
    executed: list[str]


OPEN = {"type": "object"}
FLAGS = {
    "type": "object",
    "properties": {
        "force": {"type": "boolean"},
        "count": {"type": "integer"},
        "ratio": {"type": "number"},
        "dry_run": {"type": "boolean", "default": False},
    },
}
POLICY = {
    "type": "object",
    "properties": {
        "policy_document": {"type": "object"},
        "either": {"anyOf": [{"type": "string"}, {"type": "object"}]},
        "action_names": {"type": "array", "items": {"type": "string"}},
    },
}
CREATE = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "publicly_accessible": {"type": "boolean", "default": True},
    },
    "required": ["name"],
}
CLOSED = {**FLAGS, "additionalProperties": False}
SCHEMAS: dict[str, Json] = {
    "transfer": OPEN,
    "open": OPEN,
    "flags": FLAGS,
    "closed": CLOSED,
    "put_policy": POLICY,
    "create_broker": CREATE,
}
TOOLS: list[Json] = [{"name": name, "inputSchema": schema} for name, schema in SCHEMAS.items()]

ALLOW = {"action": "allow"}
ACTIONS = "args.policy_document.Statement[*].Action"


def deny_if(tool: str, *conditions: Json) -> str:
    return one_tool(tool, {"action": "deny", "when": list(conditions)}, ALLOW)


def allow_if(tool: str, *conditions: Json) -> str:
    return one_tool(tool, {"action": "allow", "when": list(conditions)})


CASES: dict[str, Case] = {
    "I01": Case(
        deny_if("transfer", when("args.amount", "gt", 500)),
        "transfer",
        [
            *('{"amount":null}', '{"amount":"600"}', '{"amount":"6e2"}', '{"amount":[600]}'),
            *('{"amount":{"value":600}}', '{"amount":true}', '{"amount":600.0}', '{"amount":1e3}'),
            *("{}", '{"amount":500.00000000000000001}', '{"Amount":5}', '{"amount":"5"}'),
        ],
        ['{"amount":500}', '{"amount":500.0}', '{"amount":5e2}', '{"amount":-1}'],
    ),
    "I02-eq": Case(
        allow_if("open", when("args.n", "eq", 10)),
        "open",
        ['{"n":"10"}', '{"n":11}', '{"n":[10]}', '{"n":true}', '{"n":null}', "{}"],
        ['{"n":10}', '{"n":10.0}', '{"n":1e1}'],
    ),
    "I02-one": Case(
        allow_if("open", when("args.n", "eq", 1)),
        "open",
        ['{"n":true}', '{"n":"1"}', '{"n":"true"}'],
        ['{"n":1}', '{"n":1.0}'],
    ),
    "I02-true": Case(
        allow_if("open", when("args.n", "eq", True)),
        "open",
        ['{"n":1}', '{"n":1.0}', '{"n":"true"}', '{"n":false}'],
        ['{"n":true}'],
    ),
    "I02-in": Case(
        allow_if("open", when("args.n", "in", [1, 2])),
        "open",
        ['{"n":true}', '{"n":"1"}', '{"n":[1]}', '{"n":3}'],
        ['{"n":1}', '{"n":2.0}'],
    ),
    "I02-contains": Case(
        allow_if("open", when("args.l", "contains", 1)),
        "open",
        ['{"l":[true]}', '{"l":["1"]}', '{"l":"1"}', '{"l":{"1":1}}'],
        ['{"l":[1]}', '{"l":[2,1.0]}'],
    ),
    "I03-schema": Case(
        deny_if("flags", when("args.force", "eq", True)),
        "flags",
        [
            f'{{"force":{text}}}'
            for text in (
                *("true", '"true"', '"yes"', '"on"', '"t"', '"y"', '"1"', "1", "1.0", '"TRUE"'),
                *('"True"', "[true]", "0", '"false"', "null", '"\\u0074rue"'),
            )
        ],
        ['{"force":false}'],
    ),
    "I03-no-schema": Case(
        deny_if("open", when("args.force", "eq", True)),
        "open",
        [f'{{"force":{text}}}' for text in ("true", '"true"', '"yes"', '"1"', "1", "1.0", "null")],
        ['{"force":false}'],
    ),
    "I04-integer": Case(
        deny_if("flags", when("args.count", "gte", 10)),
        "flags",
        [
            f'{{"count":{text}}}'
            for text in ("10", '"10"', '" 10 "', '"1_0"', "10.0", "true", "1e1", '"1e1"', "9.5")
        ],
        ['{"count":9}'],
    ),
    "I04-float": Case(
        deny_if("flags", when("args.ratio", "gte", 10)),
        "flags",
        [
            f'{{"ratio":{text}}}'
            for text in ("10", "10.0", "1e3", '"1e3"', '"NaN"', '"inf"', '"-inf"', "true", "null")
        ],
        ['{"ratio":9.99}', '{"ratio":9}'],
    ),
    "I05-object": Case(
        deny_if("put_policy", when(ACTIONS, "eq", "iam:*", match="any")),
        "put_policy",
        [
            '{"policy_document":{"Statement":[{"Action":"iam:*"}]}}',
            '{"policy_document":"{\\"Statement\\":[{\\"Action\\":\\"iam:*\\"}]}"}',
            '{"policy_document":"{\\"Statement\\":[{\\"Action\\":\\"s3:GetObject\\"}]}"}',
        ],
        ['{"policy_document":{"Statement":[{"Action":"s3:GetObject"}]}}'],
    ),
    "I05-list": Case(
        deny_if("put_policy", when("args.action_names", "contains", "iam:*")),
        "put_policy",
        [
            '{"action_names":"[\\"iam:*\\"]"}',
            '{"action_names":["iam:*"]}',
            '{"action_names":"iam"}',
        ],
        ['{"action_names":["s3:GetObject"]}'],
    ),
    "I05-either": Case(
        # The schema takes text and object; what a text holds cannot be told.
        deny_if("put_policy", when("args.either.Statement[*].Action", "eq", "iam:*", match="any")),
        "put_policy",
        [
            '{"either":"{\\"Statement\\":[{\\"Action\\":\\"iam:*\\"}]}"}',
            '{"either":"{\\"Statement\\":[]}"}',
            '{"either":{"Statement":[{"Action":"iam:*"}]}}',
        ],
        ['{"either":{"Statement":[{"Action":"s3:GetObject"}]}}'],
    ),
    "I06": Case(
        deny_if("put_policy", when(ACTIONS, "eq", "iam:*", match="any")),
        "put_policy",
        [
            json.dumps({"policy_document": text})
            for text in (
                json.dumps(json.dumps({"Statement": [{"Action": "s3:GetObject"}]})),
                ' \n\t{"Statement":[{"Action":"s3:GetObject"}]}',
                '{"Statement":[{"Action":"s3:GetObject","Action":"iam:*"}]}',
                '\ufeff{"Statement":[]}',
                "null",
            )
        ],
        ['{"policy_document":{"Statement":[{"Action":"s3:GetObject"}]}}'],
    ),
    "I07-any": Case(
        deny_if("put_policy", when(ACTIONS, "eq", "iam:*", match="any")),
        "put_policy",
        [
            '{"policy_document":{"Statement":{"Action":"iam:*"}}}',
            '{"policy_document":{"Statement":{"Action":"s3:GetObject"}}}',
            '{"policy_document":{"Statement":[{"Action":["iam:*"]}]}}',
            '{"policy_document":{"Statement":[{"NotAction":"s3:GetObject"}]}}',
            '{"policy_document":{"Statement":[{"Action":"s3:Get"},{"Action":"iam:*"}]}}',
            '{"policy_document":{"Statement":[{"Action":"s3:Get"},{"NotAction":"x"}]}}',
            '{"policy_document":{"statement":[{"Action":"s3:Get"}]}}',
        ],
        ['{"policy_document":{"Statement":[{"Action":"s3:Get"},{"Action":"s3:Put"}]}}'],
    ),
    "I07-all": Case(
        allow_if("put_policy", when(ACTIONS, "starts_with", "s3:Get", match="all")),
        "put_policy",
        [
            '{"policy_document":{"Statement":[{"Action":"s3:GetObject"},{"Action":"iam:*"}]}}',
            '{"policy_document":{"Statement":[{"Action":["s3:GetObject","iam:*"]}]}}',
            '{"policy_document":{"Statement":[{"Action":"s3:GetObject"},{"NotAction":"iam:*"}]}}',
            '{"policy_document":{"Statement":{"Action":"s3:GetObject"}}}',
        ],
        ['{"policy_document":{"Statement":[{"Action":"s3:GetObject"},{"Action":"s3:GetAcl"}]}}'],
    ),
    "I08-dots": Case(
        allow_if("open", when("args.a.b", "eq", 1)),
        "open",
        [
            '{"a.b":1}',
            '{"a":{"b":2},"a.b":1}',
            '{"a":[{"b":1}]}',
            '{"a":"{\\"b\\":1}"}',
            '{"a":{}}',
        ],
        ['{"a":{"b":1}}', '{"a":{"b":1},"a.b":2}'],
    ),
    "I08-quoted": Case(
        allow_if("open", when('args["a.b"]["] \\""]', "eq", 1)),
        "open",
        ['{"a":{"b":1}}', '{"a.b":{"]":1}}', '{"a.b":1}', '{"a.b":{"] \\"":{"":1}}}'],
        ['{"a.b":{"] \\"":1}}'],
    ),
    "I08-index": Case(
        allow_if("open", when("args.l[1]", "eq", 1)),
        "open",
        ['{"l":[1]}', '{"l":[]}', '{"l":{"1":1}}', '{"l":"01"}', '{"l":[0,2]}'],
        ['{"l":[0,1]}'],
    ),
    "I08-deny-out-of-range": Case(
        deny_if("open", when("args.l[1]", "eq", 1)),
        "open",
        ['{"l":[1]}', '{"l":[0,1]}', '{"l":{"1":0}}'],
        ['{"l":[0,0]}'],
    ),
    "I09": Case(
        deny_if("open", when("args.x", "exists", True)),
        "open",
        [f'{{"x":{text}}}' for text in ("null", '""', "[]", "{}", "0", "false")],
        ["{}", '{"X":1}', '{"y":{"x":1}}'],
    ),
    "I10-not-in": Case(
        deny_if("open", when("args.branch", "not_in", ["main"])),
        "open",
        ["{}", '{"branch":"dev"}', '{"branch":null}', '{"branch":["main"]}', '{"Branch":"main"}'],
        ['{"branch":"main"}'],
    ),
    "I10-neq": Case(
        deny_if("open", when("args.branch", "neq", "main")),
        "open",
        ["{}", '{"branch":"dev"}', '{"branch":1}', '{"branch":null}'],
        ['{"branch":"main"}'],
    ),
    "I10-not": Case(
        allow_if("open", {"not": when("args.branch", "eq", "dev")}),
        "open",
        ["{}", '{"branch":"dev"}', '{"branch":1}', '{"branch":null}', '{"branch":["dev"]}'],
        ['{"branch":"main"}'],
    ),
    "I11": Case(
        allow_if("open", when("args.items[*].ok", "eq", True, match="all")),
        "open",
        ['{"items":[]}', "{}", '{"items":null}', '{"items":[{"ok":true},{}]}', '{"items":{}}'],
        ['{"items":[{"ok":true}]}'],
    ),
    "I11-nested": Case(
        allow_if("open", when("args.a[*].b[*]", "eq", 1, match="all")),
        "open",
        ['{"a":[{"b":[]}]}', '{"a":[{"b":[1]},{"b":[]}]}', '{"a":[{"b":[1]},{}]}'],
        ['{"a":[{"b":[1]},{"b":[1,1]}]}'],
    ),
    "I12": Case(
        deny_if("create_broker", when("args.publicly_accessible", "eq", True)),
        "create_broker",
        ['{"name":"b"}', '{"name":"b","publicly_accessible":true}', '{"name":"b","Publicly":0}'],
        ['{"name":"b","publicly_accessible":false}'],
    ),
    "I13": Case(
        deny_if("flags", when("args.force", "eq", True)),
        "flags",
        [
            *('{"force":false,"Force":true}', '{"force":false,"force ":true}'),
            *('{"force":false,"forc\\u0435":1,"FORCE":true}', '{"force":false,"f_orce":true}'),
        ],
        ['{"force":false,"unknown":true}'],
    ),
    "I13-closed": Case(
        one_tool("closed", ALLOW),
        "closed",
        ['{"unknown":1}', '{"force":true,"x":1}', '{"":1}'],
        ['{"force":true}'],
    ),
    "I14": Case(
        deny_if("flags", when("args.dry_run", "neq", True)),
        "flags",
        [
            *('{"dryRun":true}', '{"dry-run":true}', '{"DryRun":true,"dry_run":true}'),
            *('{"--dry_run":true}', '{"--dry-run":true,"dry_run":true}', "{}"),
        ],
        ['{"dry_run":true}'],
    ),
    "I14-no-schema": Case(
        deny_if("open", when("args.dry_run", "neq", True)),
        "open",
        ['{"dryRun":true}', '{"--dry-run":true}', '{"dry_run":false,"dryRun":true}'],
        ['{"dry_run":true}'],
    ),
    "I15": Case(
        allow_if("open", when("args.env", "eq", "\u00e9prod")),
        "open",
        [
            f'{{"env":"{text}"}}'
            for text in (
                "\u00c9prod",
                "\u00e9prod ",
                "\u00e9prod\\u200b",
                "\u00e9\uff50rod",
                "e\u0301prod",
            )
        ],
        ['{"env":"\u00e9prod"}', '{"env":"\\u00e9prod"}'],
    ),
    "I16": Case(
        deny_if("open", when("args.key", "regex", "(?i)(kms|stra\u00dfe)")),
        "open",
        [
            f'{{"key":"{text}"}}'
            for text in ("KMS", "\u212ams", "km\u017f", "STRAßE", "STRA\u1e9eE")
        ],
        [f'{{"key":"{text}"}}' for text in ("STRASSE", "kms ", "KM")],  # one letter stays one
    ),
    "I17-in": Case(
        allow_if("open", when("args.account", "in", ["012345678901"])),
        "open",
        ['{"account":12345678901}', '{"account":"12345678901"}', '{"account":12345678901.0}'],
        ['{"account":"012345678901"}'],
    ),
    "I17-not-in": Case(
        deny_if("open", when("args.account", "not_in", ["012345678901"])),
        "open",
        ['{"account":12345678901}', '{"account":"12345678901"}', "{}"],
        ['{"account":"012345678901"}'],
    ),
    "I20-arn": Case(
        allow_if("open", when("args.arn", "eq", "arn:aws:iam::1:user/bob")),
        "open",
        [
            f'{{"arn":"arn:aws:iam::1:user/{text}"}}'
            for text in ("../bob", "Bob", "bob/", "./bob", "bob%00", "bob\\u0000", "x/bob")
        ],
        ['{"arn":"arn:aws:iam::1:user/bob"}'],
    ),
    "I20-url": Case(
        allow_if("open", when("args.url", "regex", r"https://api\.example/[a-z/]*")),
        "open",
        [
            f'{{"url":"{text}"}}'
            for text in (
                *("https://api.example.evil/", "https://api.example@evil/", "https://api.example"),
                *("https://api.example/../x", "https://apixexample/", "HTTPS://api.example/"),
                *("https://api.example\\\\@evil/", "https://api.example:1@evil/"),
            )
        ],
        ['{"url":"https://api.example/v"}'],
    ),
    "I20-region": Case(
        allow_if("open", when("args.region", "in", ["eu-west-1"])),
        "open",
        ['{"region":"EU-WEST-1"}', '{"region":"eu-west-1a"}', '{"region":"eu-west-1\\n"}'],
        ['{"region":"eu-west-1"}'],
    ),
    "I21": Case(
        deny_if("open", when("args.until", "gt", 20261231)),
        "open",
        ['{"until":"2026-01-01"}', '{"until":"20260101"}', '{"until":20270101}'],
        ['{"until":20260101}'],
    ),
    "I21-text": Case(
        allow_if("open", when("args.date", "eq", "2026-01-01")),
        "open",
        ['{"date":"2026-1-1"}', '{"date":"2026-01-01T00:00:00Z"}', '{"date":20260101}'],
        ['{"date":"2026-01-01"}'],
    ),
}
