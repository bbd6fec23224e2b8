"""The lock file: read only where it is what `portcullis lock` writes."""

from typing import Any

import pytest

from portcullis.policy import lock_file
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.lock_file import LockedTool, LockFile, read_lock_file
from portcullis.strictjson import dump

WHOLE = LockFile(
    server="mq",
    tools={
        "get": LockedTool(category="read", definition={"name": "get", "description": "Gets."}),
        "drop": LockedTool(category="destructive", definition={"name": "drop"}),
    },
)


def faults_of(tree: Any, server: str | None = "mq") -> set[str]:
    with pytest.raises(PolicyFaults) as raised:
        read_lock_file(dump(tree), server=server)
    return {fault.path for fault in raised.value.faults}


def changed(**members: Any) -> Any:
    """The file with other members of the tool `get`."""
    tree: Any = WHOLE.tree()
    tree["tools"]["get"] |= members
    return tree


@pytest.mark.parametrize("server", ["mq", None])
def test_a_lock_is_read_back_as_it_was_written(server: str | None) -> None:
    again = read_lock_file(dump(WHOLE.tree()), server=server)
    assert again.document() == WHOLE.document()
    assert again.tree() == WHOLE.tree()


def test_its_document_holds_digests_and_no_words_of_the_server() -> None:
    assert b"Gets" not in dump(WHOLE.document())


@pytest.mark.parametrize(
    "tree, path",
    [
        ([], "lock"),
        ({}, "lock"),
        ({**WHOLE.tree(), "version": "2"}, "lock.version"),
        ({**WHOLE.tree(), "server": "iam"}, "lock.server"),
        ({**WHOLE.tree(), "server": 1}, "lock.server"),
        ({**WHOLE.tree(), "tools": []}, "lock.tools"),
        ({**WHOLE.tree(), "tools": {"get": 1}}, "lock.tools.get"),
        ({**WHOLE.tree(), "tools": {"get": {}}}, "lock.tools.get"),
        (changed(category="reads"), "lock.tools.get.category"),
        (changed(definition=[]), "lock.tools.get"),
        (changed(definition={"name": "put"}), "lock.tools.get.definition"),
        (changed(definition={"name": "get", "description": "x"}), "lock.tools.get.digests"),
        (changed(digests={}), "lock.tools.get.digests"),
    ],
)
def test_what_nobody_wrote_with_the_command_is_refused_at_its_place(tree: Any, path: str) -> None:
    assert faults_of(tree) == {path}


def test_what_is_no_json_and_what_is_too_much_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(PolicyFaults, match="no JSON"):
        read_lock_file(b"version: 1")
    monkeypatch.setattr(lock_file, "MAXIMUM_LOCKED", 1)
    assert faults_of(WHOLE.tree()) == {"lock.tools"}
