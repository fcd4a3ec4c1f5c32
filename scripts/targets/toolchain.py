# SPDX-License-Identifier: Apache-2.0
"""How ibid is compiled for another C library or processor (docs/decisions/0029-releases-for-other-targets.md).

python3 -m scripts.targets.toolchain FOLDER TARGET [cc]: prints CMake's options, or the C compiler, a word a line. FOLDER has what is fetched.

glibc: Debian's cross compiler, with the libstdc++ that is linked statically, as in the native build. musl: Clang and libc++ from PyPI.
CMake finds only headers here that do not depend on the target.
"""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from . import carried
from .carried import Unavailable

NATIVE = f"{platform.machine()}-linux-gnu"
NAMES = tuple(f"{processor}-linux-{library}" for library in ("gnu", "musl") for processor in ("x86_64", "aarch64"))


@dataclass(frozen=True)
class Toolchain:
    file: Path  # for CMake
    c_compiler: list[str]


def toolchain(target: str, folder: Path, out: IO[str], root: Path | None = None) -> Toolchain:
    """Its file, in the folder, and the compiler, which is fetched if it comes from PyPI. CMake looks for libraries in `root`."""
    folder = folder.resolve()
    processor, _, library = target.split("-")
    lines = ["set(CMAKE_SYSTEM_NAME Linux)", f"set(CMAKE_SYSTEM_PROCESSOR {processor})"]
    if library == "gnu":
        if not shutil.which(f"{target}-g++"):
            raise Unavailable(f"there is no {target}-g++: apt-get install g++-{target.replace('_', '-')}")
        compilers = {"C": [f"{target}-gcc"], "CXX": [f"{target}-g++"]}
    else:
        zig = carried.zig(folder, out)
        compilers = {language: [str(zig), command, "-target", target] for language, command in (("C", "cc"), ("CXX", "c++"))}
        # The system's tools may not know the processor. The linker strips.
        for tool in ("ar", "ranlib"):
            program = folder / f"zig-{tool}"
            program.write_text(f'#!/bin/sh\nexec {zig} {tool} "$@"\n')
            program.chmod(0o755)
            lines.append(f"set(CMAKE_{tool.upper()} {program})")
        lines.append("set(CMAKE_STRIP /bin/true)")
        lines += [f"set(CMAKE_{kind}_LINKER_FLAGS_INIT -s)" for kind in ("EXE", "SHARED")]
        compilers["CXX"].append("-dynamic")
    lines += [f"set(CMAKE_{language}_COMPILER {' '.join(words)})" for language, words in compilers.items()]
    lines.append(f"set(CMAKE_CXX_FLAGS_INIT -I{carried.libraries_headers(folder)})")
    # The libraries' CMake packages name /usr/include, whose other headers are of this system's C library.
    project = folder / "project.cmake"
    project.write_text("".join(f"list(APPEND CMAKE_{language}_IMPLICIT_INCLUDE_DIRECTORIES /usr/include)\n" for language in compilers))
    lines.append(f"set(CMAKE_PROJECT_INCLUDE {project})")
    lines.append(f"set(CMAKE_FIND_ROOT_PATH {root or folder / 'nothing'})\nset(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)")
    lines += [f"set(CMAKE_FIND_ROOT_PATH_MODE_{kind} ONLY)" for kind in ("INCLUDE", "LIBRARY")]
    file = folder / f"{target}.cmake"
    file.write_text("\n".join(lines) + "\n")
    return Toolchain(file, compilers["C"])


def cmake_options(folder: Path, headers: Path, libssl: Path, libcrypto: Path) -> list[str]:
    """Where CMake finds libraries: headers, and OpenSSL, which is not linked."""
    options = [
        f"-DXXHASH_INCLUDE_DIR={carried.libraries_headers(folder)}",
        f"-DOPENSSL_INCLUDE_DIR={headers}",
        f"-DOPENSSL_CRYPTO_LIBRARY={libcrypto}",
        f"-DOPENSSL_SSL_LIBRARY={libssl}",
    ]
    for name in ("CLI11", "fmt", "nlohmann_json"):
        places = [p for place in ("/usr/share/cmake", "/usr/lib/cmake", f"/usr/lib/{NATIVE}/cmake") for p in Path(place).glob(name)]
        options += [f"-D{name}_DIR={place}" for place in places[:1]]
    return options


def main(words: list[str]) -> int:
    folder, target = Path(words[0]).resolve(), words[1]
    if target not in NAMES:
        print(f"dev: unknown target '{target}'\ndev: there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    options, compiler = [], ["cc"]
    if target != NATIVE:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with (folder / "log").open("w") as out:
                made = toolchain(target, folder, out)
                library = Path(f"/usr/lib/{NATIVE}")
                options = cmake_options(folder, carried.openssl_headers(folder), library / "libssl.so", library / "libcrypto.so")
        except (Unavailable, OSError) as error:
            print(f"dev: {error}", file=sys.stderr)
            return 1
        options.append(f"-DCMAKE_TOOLCHAIN_FILE={made.file}")
        compiler = made.c_compiler
    print(*(compiler if words[2:] == ["cc"] else options), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
