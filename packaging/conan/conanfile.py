# SPDX-License-Identifier: Apache-2.0
"""The core as a Conan package: `conan create packaging/conan` in a checkout of ibid.

The preload library and the command, which use OpenSSL, come as packages of the distribution instead.
"""

import re
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout

ROOT = "../.."


class IbidConan(ConanFile):
    name = "ibid"
    description = "Interning cache with handles: one copy of equal values, as long as somebody holds it"
    license = "Apache-2.0"
    topics = ("interning", "flyweight", "cache", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    no_copy_source = True

    def set_version(self):
        text = load(self, str(Path(self.recipe_folder, ROOT, "CMakeLists.txt")))
        self.version = re.search(r"project\(ibid VERSION ([0-9.]+)", text).group(1)

    def export_sources(self):
        root = str(Path(self.recipe_folder, ROOT).resolve())
        copy(self, "include/ibid/*.h", root, self.export_sources_folder)
        copy(self, "include/ibid/*.cppm", root, self.export_sources_folder)
        copy(self, "LICENSE", root, self.export_sources_folder)

    def layout(self):
        basic_layout(self)

    def requirements(self):
        # ibid's headers include its header. Its library is not linked.
        self.requires("xxhash/[>=0.8.1 <0.9]", transitive_headers=True, libs=False)

    def validate(self):
        check_min_cppstd(self, 20)
        if self.settings.arch in ("x86", "armv7", "armv7hf", "armv6"):
            raise ConanInvalidConfiguration("ibid needs a 64-bit system")

    def package(self):
        copy(self, "LICENSE", self.source_folder, str(Path(self.package_folder, "licenses")))
        # openssl.h needs the compiled library, which this package does not have.
        copy(self, "ibid/*.cppm", str(Path(self.source_folder, "include")), str(Path(self.package_folder, "include")))
        copy(self, "ibid/*.h", str(Path(self.source_folder, "include")), str(Path(self.package_folder, "include")), excludes="ibid/openssl.h")

    def package_id(self):
        self.info.clear()

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
