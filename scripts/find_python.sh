#!/bin/sh
# Print the interpreter to build the environment with: PYTHON if it is set, else a working
# Python 3.13 (the runtime of the deployed functions), else any Python from 3.11 on.
# A version manager's shim may stand on the PATH and still not run; each candidate is tried.
set -u

works() { # works COMMAND MINOR_AT_LEAST MINOR_AT_MOST: prints the real path
    "$1" -c "import sys, venv, ensurepip
assert sys.version_info[0] == 3 and $2 <= sys.version_info[1] <= $3
print(getattr(sys, '_base_executable', sys.executable))" 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    works "$PYTHON" 11 99 && exit 0
    echo "PYTHON=$PYTHON is not a Python 3.11 or newer with venv and ensurepip" >&2
    exit 1
fi

works python3.13 13 13 && exit 0
if root=$(pyenv root 2>/dev/null); then
    for candidate in "$root"/versions/3.13*/bin/python3.13; do
        works "$candidate" 13 13 && exit 0
    done
fi
for candidate in python3 python3.12 python3.11 python3.14 /usr/bin/python3; do
    works "$candidate" 11 99 && exit 0
done
echo "no Python 3.11 or newer with venv and ensurepip found; set PYTHON=/path/to/python3" >&2
exit 1
