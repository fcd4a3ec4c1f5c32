#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev docs: the site of docs/, in build/docs. What makes it is kept outside of this tree.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
readonly requirements=('mkdocs-material>=9.6,<10' 'libclang>=18,<19')

usage() {
    cat <<'TEXT'
Usage: ./dev docs [--serve | --check]

Builds the site of docs/ in build/docs, with MkDocs Material and libclang from PyPI (kept in ~/.cache/ibid/docs). A link that leads nowhere,
within the site or into the tree, and a public name without a comment are errors.
  --check    only that each public name has a comment
  --serve    on http://127.0.0.1:8000/, built again whenever a page changes
TEXT
}

words=(build --quiet)
case ${1-} in
'') ;;
--check) words=() ;;
--help | -h) usage; exit ;;
--serve) words=(serve) ;;
*) printf "dev: unknown option '%s'\ndev: './dev docs --help' explains it\n" "$1" >&2; exit 2 ;;
esac

venv=${XDG_CACHE_HOME:-$HOME/.cache}/ibid/docs
if ! "$venv/bin/python" -c 'import material, clang' 2>/dev/null; then
    printf '\n== installing %s in %s\n' "${requirements[*]}" "$venv" >&2
    rm -rf "$venv"
    python3 -m venv "$venv"
    if ! "$venv/bin/pip" --quiet --disable-pip-version-check install "${requirements[@]}"; then
        echo "dev: PyPI, from where the site's programs come, could not be reached" >&2
        exit 77
    fi
fi
[[ ${#words[@]} -gt 0 ]] || exec "$venv/bin/python" scripts/docs/reference.py
NO_MKDOCS_2_WARNING=1 "$venv/bin/mkdocs" "${words[@]}"
[[ ${words[0]} != build ]] || "$venv/bin/python" scripts/docs/links.py build/docs
