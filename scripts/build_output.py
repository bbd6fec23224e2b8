"""What `sam build` leaves behind: bytecode for the functions' Python, and the same bytes each time.

Lambda's file system is read-only, so a package without bytecode is compiled anew by every
cold start. The bytecode says that its source is never looked at ("unchecked-hash", PEP 552),
and holds neither times nor folders of the machine that built it.
"""

import compileall
import os
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

RUNTIME = (3, 13)  # template.yaml, Globals
_EARLIEST = 315_532_800  # 1980-01-01: before that there are no times in a zip archive


def require_runtime() -> None:
    """Stop unless this is the functions' Python: the bytecode of another one is useless."""
    if sys.version_info[:2] != RUNTIME:
        raise SystemExit("the functions' own Python is needed to build them: python3.13")


def finish(folder: Path, *, mounted_at: str) -> None:
    """Compile everything in a folder and level what differs between machines.

    Args:
        folder: what is going to be uploaded.
        mounted_at: where Lambda unpacks it; tracebacks name files there.
    """
    compiled = compileall.compile_dir(
        folder,
        maxlevels=50,
        stripdir=str(folder),
        prependdir=mounted_at,
        force=True,
        quiet=1,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        raise SystemExit(f"`{folder.name}` holds a module that does not compile")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (_EARLIEST, _EARLIEST))
