#!/bin/sh
# Run the fast tests on the machine's own python3 when it is another version than .venv's:
# the gateway has to work on Python 3.11 as well as on its Lambda runtime.
set -eu

minor() { "$1" -c 'import sys; print(sys.version_info[1])' 2>/dev/null; }

main=$(minor .venv/bin/python)
for candidate in "${COMPAT_PYTHON:-/usr/bin/python3}" python3.11 python3.12 python3; do
    other=$(minor "$candidate") || continue
    [ "$other" -ge 11 ] && [ "$other" != "$main" ] && break
    other=
done
[ -n "${other:-}" ] || { echo "skipped: no Python from 3.11 on beside 3.$main"; exit 0; }

if [ ! -e .venv-compat/.installed ] || [ locks/dev.txt -nt .venv-compat/.installed ]; then
    .tools/uv/bin/uv venv --quiet --allow-existing --python "$candidate" .venv-compat
    .tools/uv/bin/uv pip sync --quiet --python .venv-compat --require-hashes locks/dev.txt
    touch .venv-compat/.installed
fi
echo "Python 3.$other"
exec .venv-compat/bin/python -m pytest -q -n 2 --dist loadfile -p no:cacheprovider \
    -m "not slow" --ignore-glob="*_faults.py" tests/unit tests/contract
