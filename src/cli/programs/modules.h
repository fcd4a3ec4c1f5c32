// SPDX-License-Identifier: Apache-2.0
//
// What the files of a program tell about its use of OpenSSL: whether one of them may write to certificates,
// by the preload's own table, and which calls may disable ibid.
#pragma once

#include "cli/programs/loaded_files.h"
#include "openssl/modules/module_class.h"

#include <string>
#include <vector>

namespace ibid::cli {

// The file that decides what is shared in a program.
struct decisive_module {
    openssl::module_class kind = openssl::module_class::reader;
    std::string path;
    std::vector<std::string> names; // some of the OpenSSL functions that it imports and that decide
};

// The file with the highest class. OpenSSL's own files are ignored.
[[nodiscard]] decisive_module classify(const std::vector<loaded_file>& files);

// The first of these files that imports CRYPTO_set_mem_functions: a program that calls it shares nothing.
// Empty: none.
[[nodiscard]] std::string sets_memory_functions(const std::vector<loaded_file>& files);

// A function that a file imports and that, called in a certain way, disables ibid. Whether it is called so
// cannot be seen from outside.
struct reservation {
    std::string path;
    std::string call; // "CRYPTO_get_ex_new_index, RSA_set_ex_data"
    std::string when; // "it has a callback for each key"
};
[[nodiscard]] std::vector<reservation> reservations(const std::vector<loaded_file>& files);

} // namespace ibid::cli
