"""Layers and functions are built by this project's own scripts, alike on every machine."""

import re
from pathlib import Path

import pytest

import build_function
import build_layer
from build_output import RUNTIME
from support.deployment import FUNCTIONS, HOST_ROLES, RESOURCES, ROOT, TEMPLATE, of_type, target

LAYERS = of_type("AWS::Serverless::LayerVersion")


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_built_from_its_lock_by_the_script(name: str) -> None:
    assert RESOURCES[name]["Metadata"] == {"BuildMethod": "makefile", "BuildArchitecture": "arm64"}
    folder = ROOT / RESOURCES[name]["Properties"]["ContentUri"]
    assert "../layer.mk" in (folder / "Makefile").read_text("utf-8")
    assert (folder / "requirements.in").is_file()
    assert (folder / "requirements.txt").is_file()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_is_built_by_the_script(name: str) -> None:
    assert RESOURCES[name]["Metadata"] == {"BuildMethod": "makefile"}


def test_the_bytecode_is_for_the_functions_python() -> None:
    assert TEMPLATE["Globals"]["Function"]["Runtime"] == f"python{RUNTIME[0]}.{RUNTIME[1]}"


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_script_finds_a_function_s_handler_in_the_template(name: str) -> None:
    handler = FUNCTIONS[name]["Properties"]["Handler"]
    assert handler.rpartition(".")[0] == build_function.handler_of(name)


def test_a_function_that_is_not_in_the_template_cannot_be_built() -> None:
    with pytest.raises(SystemExit):
        build_function.handler_of("NoFunction")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_package_holds_what_its_function_imports_and_nothing_of_the_others(name: str) -> None:
    source = build_function.SOURCE
    handler = build_function.handler_of(name)
    held = {str(path.relative_to(source)) for path in build_function.needed(handler)}
    assert f"{handler.replace('.', '/')}.py" in held
    tops = {path.split("/")[0] for path in held}
    hosted = target(FUNCTIONS[name]["Properties"]["Role"]) in HOST_ROLES
    assert tops == ({"mcp_host"} if hosted else {"portcullis"})
    handlers = {build_function.handler_of(other).replace(".", "/") + ".py" for other in FUNCTIONS}
    assert held & handlers == {f"{handler.replace('.', '/')}.py"}
    assert any(path.endswith(".html") for path in held) == (name == "ConsoleFunction")


@pytest.mark.parametrize("name", LAYERS)
def test_a_lock_means_the_same_on_every_machine(name: str) -> None:
    """pip reads a lock's markers for the machine it runs on, not for the function's."""
    lock = ROOT / RESOURCES[name]["Properties"]["ContentUri"] / "requirements.txt"
    markers = re.findall(r"^\S+ ; ([^\\\n]*)", lock.read_text("utf-8"), re.MULTILINE)
    local = {"darwin", "linux", "aarch64", "arm64", "x86_64"}
    assert [one for one in markers if any(word in one.lower() for word in local)] == []


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("layers/amazon-mq", {"dynamodb", "kms", "mq", "sts"}), ("layers/aws-iam", {"iam", "sts"})],
)
def test_botocore_keeps_the_models_of_the_services_a_host_calls(
    folder: str, expected: set[str]
) -> None:
    assert set((ROOT / folder / "services.txt").read_text("utf-8").split()) == expected


def test_only_what_no_function_reads_is_left_out_of_a_layer(tmp_path: Path) -> None:
    kept = ["a/b.py", "a/data.json", "a-1.dist-info/METADATA", "a-1.dist-info/licenses/LICENSE"]
    lost = ["a/b.pyi", "a/py.typed", "a/c.pyx", "a/tests/x.py", "bin/a", "a-1.dist-info/RECORD"]
    for name in kept + lost:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    thrown = list(build_layer.useless(tmp_path))
    left = [
        str(path.relative_to(tmp_path))
        for path in tmp_path.rglob("*")
        if path.is_file() and not any(path.is_relative_to(one) for one in thrown)
    ]
    assert sorted(left) == sorted(kept)


def test_a_model_that_botocore_does_not_have_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "mq").mkdir()
    (tmp_path / "iam").mkdir()
    build_layer.keep_models(tmp_path, {"mq"})
    assert [path.name for path in tmp_path.iterdir()] == ["mq"]
    with pytest.raises(SystemExit):
        build_layer.keep_models(tmp_path, {"none"})
