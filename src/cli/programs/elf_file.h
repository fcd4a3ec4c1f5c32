// SPDX-License-Identifier: Apache-2.0
//
// What an ELF file says about how it will be loaded, read from its headers alone.
//
// Law: any file may be given, also a truncated or hostile one: nothing outside of the file's bytes is read,
// nothing is run, and time and memory have bounds. Of a header or section that a loader uses once, the first
// one counts; of a list the first thousands do; a name ends after 4096 characters.
//
//     std::optional<elf_file> e = read_elf("/usr/bin/curl");
//     if (e && e->interpreter.empty()) ... // statically linked: nothing can be preloaded into it
#pragma once

#include "cli/programs/file_bytes.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ibid::cli {

struct elf_file {
    bool native = false;     // of this command's word size, byte order and processor
    std::string interpreter; // PT_INTERP; empty: statically linked, or a shared library
    bool is_cut = false;     // parts that are loaded are not in the file
    bool dynamic = false;    // has a dynamic section
    bool audited = false;    // DT_AUDIT: the loader passes its calls to an auditor
    bool symbolic =
        false; // a library whose own calls cannot be interposed: linked with -Bsymbolic[-functions]
    std::vector<std::string> needed; // DT_NEEDED
    std::string soname;
};

// Nothing if the file cannot be read or is not ELF. For a file that is not native, only `native` is set.
[[nodiscard]] std::optional<elf_file> read_elf(const std::string& path);

// The same, from bytes.
[[nodiscard]] std::optional<elf_file> parse_elf(const file_bytes& file);

// Calls f for each name in its dynamic symbol table. `defined`: the file defines the symbol; otherwise it
// imports the symbol. Not for names of more than 255 characters.
void for_each_symbol(const file_bytes& file,
                     const std::function<void(std::string_view name, bool defined)>& call);

// file_bytes::any_part() where texts may be: in its sections that are loaded and are not code. In the whole
// file if it has no sections. A program of 100 MB is half code and debugging information.
bool any_data(const file_bytes& file, const file_bytes::part_test& is_it);

// "3.0.19" from the text "OpenSSL 3.0.19 27 Jan 2026" that every libcrypto holds; empty when there is none.
[[nodiscard]] std::string openssl_version_in(std::string_view bytes);
[[nodiscard]] std::string openssl_version_of(const std::string& path);

} // namespace ibid::cli
