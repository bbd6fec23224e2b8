"""Which groups a try-out's approver is in."""

from pathlib import Path

from local_stack.people import named_groups


def groups_of(folder: Path, **policies: str) -> tuple[str, ...]:
    for server, text in policies.items():
        (folder / f"{server}.yaml").write_text(text, "utf-8")
    return named_groups(folder, ["mq", "iam"])


def test_the_usual_groups_are_there_without_any_policy(tmp_path: Path) -> None:
    assert groups_of(tmp_path) == ("approvers", "platform")


def test_every_group_that_a_server_s_policy_names_is_there(tmp_path: Path) -> None:
    policy = """
tools:
  one: {action: require_approval, approval: {approvers: ["group:on call", alice, "group:"]}}
  two:
    rules:
      - approval: {approvers: [group:on-call, group:platform, 7]}
      - approval: {approvers: group:not-a-list}
"""
    assert groups_of(tmp_path, mq=policy, iam="tools: [") == (
        "approvers",
        "on call",
        "on-call",
        "platform",
    )


def test_another_file_s_groups_are_not(tmp_path: Path) -> None:
    policy = "tools: {one: {approval: {approvers: [group:others]}}}"
    assert groups_of(tmp_path, elsewhere=policy) == ("approvers", "platform")


def test_a_policy_that_turns_in_a_circle_or_is_too_deep_is_read_to_its_end(tmp_path: Path) -> None:
    circle = "a: &a\n  approvers: [group:circle]\n  again: *a\n"
    assert "circle" in groups_of(tmp_path, mq=circle, iam="[" * 5000)


def test_the_groups_that_may_approve_policies_are_there(tmp_path: Path) -> None:
    groups = named_groups(tmp_path, ["mq"], besides=["group:security", "ann", "group:", ""])
    assert groups == ("approvers", "platform", "security")
