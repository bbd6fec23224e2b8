"""A page as a person follows it: its commands typed in order, its edits made, its outputs seen.

What a page shows is what must happen. Blocks by their language:

- `sh`: typed into one shell, which goes on from block to block. It has to end with 0, or with N
  after a line `<!-- ends with N -->`.
- `text` after it: what is then on the screen. A line `…` stands for any lines, `…` within a line
  for any characters.
- `diff`: an edit of the file named in its first line, `--- FILE`. The lines with ` ` and `-` stand
  in the file, once; those with ` ` and `+` take their place.
- `python`: a file, named by its first line, `# FILE`.
"""

import difflib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

SECONDS: Final = 180
_BLOCK: Final = re.compile(
    r"(?:^<!-- ends with (\d+) -->\n\n?)?^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE
)
_MARK: Final = "\x04ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of a page; `line` is that of its first fence."""

    language: str
    text: str
    line: int
    ends_with: int = 0


def blocks(page: str) -> Iterator[Block]:
    """Every fenced block of a page, in order."""
    for found in _BLOCK.finditer(page):
        yield Block(
            language=found[2],
            text=found[3],
            line=page.count("\n", 0, found.start(2)) + 1,
            ends_with=int(found[1] or 0),
        )


class Shell:
    """A shell in a folder of its own. Leaving the `with` block ends it and what it started."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment

    def __enter__(self) -> Self:
        """Start it."""
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=self._folder,
            env=dict(self._environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the shell's whole group of processes."""
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.communicate(timeout=30)

    def typed(self, text: str) -> tuple[str, int]:
        """Type some lines; answers what was written then, on stdout and stderr, and the status."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f'{{\n{text}\n}} < /dev/null\nprintf \'{_MARK} %s %s\\n\' "$?" "$PWD"\n')
        stdin.flush()
        written: list[str] = []
        watch = threading.Timer(SECONDS, os.killpg, (self._process.pid, signal.SIGKILL))
        watch.start()
        try:
            for line in stdout:
                before, mark, after = line.partition(_MARK)
                written.append(before)
                if mark:
                    status, _, folder = after.strip().partition(" ")
                    self._folder = Path(folder)
                    return "".join(written), int(status)
        finally:
            watch.cancel()
        raise AssertionError(f"the shell ended in:\n{text}\n{''.join(written)}")

    def file(self, name: str) -> Path:
        """A file by the name it has where the shell is now."""
        return self._folder / name


def followed(page: str, shell: Shell) -> Iterator[str]:
    """Follow a page to its end; yields what is not as it says, readable, with the line."""
    screen = ""
    for block in blocks(page):
        match block.language:
            case "sh":
                screen, status = shell.typed(block.text)
                if status != block.ends_with:
                    yield f"line {block.line}: ended with {status}\n{block.text}\n{screen}"
            case "text":
                yield from _differences(block, screen)
            case "diff":
                yield from _edited(block, shell)
            case "python":
                name, _, text = block.text.removeprefix("# ").partition("\n")
                shell.file(name).write_text(text)
            case other:
                yield f"line {block.line}: nobody knows how to follow `{other}`"


def _edited(block: Block, shell: Shell) -> Iterator[str]:
    first, *lines = block.text.splitlines(keepends=True)
    file = shell.file(first.removeprefix("--- ").strip())
    text = file.read_text()
    old, new = ("".join(one[1:] for one in lines if one[0] in signs) for signs in (" -", " +"))
    if text.count(old) != 1:
        yield f"line {block.line}: this stands {text.count(old)} times in {file.name}\n{old}"
    file.write_text(text.replace(old, new))


def _differences(block: Block, screen: str) -> Iterator[str]:
    shown, seen = (
        [line.rstrip() for line in text.strip("\n").splitlines()] for text in (block.text, screen)
    )
    if is_like(shown, seen):
        return
    patterns = [one for one in shown if "…" in one and one.strip() != "…"]
    told = [next((one for one in patterns if _is_line(one, line)), line) for line in seen]
    diff = difflib.unified_diff(shown, told, "the page", "the screen", lineterm="")
    yield f"line {block.line}:\n" + "\n".join(diff)


def is_like(shown: Sequence[str], seen: Sequence[str]) -> bool:
    """Whether these lines were seen, `…` standing for any lines, or any characters of a line."""
    reached = {0}  # how many of the seen lines the shown ones before can have taken
    for line in shown:
        if line.strip() == "…":
            reached = set(range(min(reached, default=len(seen) + 1), len(seen) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(seen) and _is_line(line, seen[at])}
    return len(seen) in reached


def _is_line(shown: str, seen: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), seen) is not None
