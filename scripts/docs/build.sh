#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev docs: the site of docs/, in build/docs. What makes it is kept outside of this tree.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
readonly requirement='mkdocs-material>=9.6,<10'

usage() {
    cat <<'TEXT'
Usage: ./dev docs [--serve]

Builds the site of docs/ in build/docs, with MkDocs Material from PyPI (kept in ~/.cache/ibid/docs). A link that leads nowhere, within the
site or into the tree, is an error.
  --serve    on http://127.0.0.1:8000/, built again whenever a page changes
TEXT
}

words=(build --quiet)
case ${1-} in
'') ;;
--help | -h) usage; exit ;;
--serve) words=(serve) ;;
*) printf "dev: unknown option '%s'\ndev: './dev docs --help' explains it\n" "$1" >&2; exit 2 ;;
esac

venv=${XDG_CACHE_HOME:-$HOME/.cache}/ibid/docs
if ! "$venv/bin/python" -c 'import material' 2>/dev/null; then
    printf '\n== installing %s in %s\n' "$requirement" "$venv" >&2
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" --quiet --disable-pip-version-check install "$requirement"
fi
NO_MKDOCS_2_WARNING=1 "$venv/bin/mkdocs" "${words[@]}"
[[ ${words[0]} != build ]] || "$venv/bin/python" scripts/docs/links.py build/docs
