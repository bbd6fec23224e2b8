"""Which files of a folder are uploaded, and what the person who starts the stack is told."""

from pathlib import Path

from local_stack.uploads import policy_files


def files_of(folder: Path, *names: str) -> tuple[list[str], list[str]]:
    for name in names:
        (folder / name).touch()
    told: list[str] = []
    files = policy_files(folder, servers=["mq", "iam"], report=told.append)
    return [path.name for path in files], told


def test_a_file_for_every_server_leaves_nothing_to_say(tmp_path: Path) -> None:
    assert files_of(tmp_path, "mq.yaml", "iam.yaml", "README.md") == (["iam.yaml", "mq.yaml"], [])


def test_a_server_without_a_policy_is_named(tmp_path: Path) -> None:
    files, told = files_of(tmp_path, "mq.yaml")
    assert files == ["mq.yaml"]
    assert told == [f"`iam` has no policy in `{tmp_path}`: every call to it is denied"]


def test_a_file_that_is_nobody_s_policy_is_named_and_not_uploaded(tmp_path: Path) -> None:
    files, told = files_of(tmp_path, "mq.yaml", "iam.yaml", "My_Server.yaml", "mq.yml")
    assert files == ["iam.yaml", "mq.yaml"]
    assert told == [
        "My_Server.yaml: not uploaded, no server is called `My_Server`",
        "mq.yml: not uploaded, a policy file is called `<server>.yaml`",
    ]
