#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev docs: the site of docs/, in build/docs. The programs that make it are kept outside of this tree.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
readonly requirements=('mkdocs-material>=9.6,<10' 'libclang>=18,<19' 'rich>=13.7,<16' 'pyte>=0.8,<1' cryptography)

usage() {
    cat <<'TEXT'
Usage: ./dev docs [--serve | --check | --browser]

Builds the site of docs/ in build/docs, with MkDocs Material, libclang and rich from PyPI (kept in ~/.cache/ibid/docs). A link that leads nowhere,
within the site or into the tree, and a public name without a comment are errors. Pictures of the command are made by running it.
  --check    only that each public name has a comment
  --browser  and opens each page in Chromium (Debian: chromium): what its console says, and a picture that does not load, are errors
  --serve    on http://127.0.0.1:8000/, built again whenever a page changes
TEXT
}

words=(build --quiet) browser=no
case ${1-} in
'') ;;
--check) words=() ;;
--help | -h) usage; exit ;;
--browser) browser=yes ;;
--serve) words=(serve) ;;
*) printf "dev: unknown option '%s'\ndev: './dev docs --help' explains it\n" "$1" >&2; exit 2 ;;
esac

venv=${XDG_CACHE_HOME:-$HOME/.cache}/ibid/docs
if ! "$venv/bin/python" -c 'import material, clang, rich, pyte, cryptography' 2>/dev/null; then
    printf '\n== installing %s in %s\n' "${requirements[*]}" "$venv" >&2
    rm -rf "$venv"
    python3 -m venv "$venv"
    if ! "$venv/bin/pip" --quiet --disable-pip-version-check install "${requirements[@]}"; then
        echo "dev: PyPI could not be reached; the site's programs come from there" >&2
        exit 77
    fi
fi
[[ ${#words[@]} -gt 0 ]] || exec "$venv/bin/python" scripts/docs/reference.py
"$venv/bin/python" scripts/docs/pictures.py build/release/bin/ibid build/pictures
NO_MKDOCS_2_WARNING=1 "$venv/bin/mkdocs" "${words[@]}"
[[ ${words[0]} != build ]] || "$venv/bin/python" scripts/docs/links.py build/docs
[[ $browser == no ]] || python3 scripts/docs/browser.py build/docs
