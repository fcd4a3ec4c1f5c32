// SPDX-License-Identifier: Apache-2.0
//
// What the files of a program tell about its use of OpenSSL: which TLS library it has, whether OpenSSL is
// inside the executable, and whether a file may write to certificates. The last uses the preload's own table.
#pragma once

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
[[nodiscard]] decisive_module classify(const std::vector<std::string>& files);

// The first of these files that imports CRYPTO_set_mem_functions: a program that calls it shares nothing.
// Empty: none.
[[nodiscard]] std::string sets_memory_functions(const std::vector<std::string>& files);

// A function that a file imports and that, called in a certain way, disables ibid. Whether it is called so
// cannot be seen from outside.
struct reservation {
    std::string path;
    std::string call; // "CRYPTO_get_ex_new_index, RSA_set_ex_data"
    std::string when; // "it has a callback for each key"
};
[[nodiscard]] std::vector<reservation> reservations(const std::vector<std::string>& files);

// "GnuTLS", if the file of this name is a TLS library other than OpenSSL; otherwise empty.
[[nodiscard]] std::string other_tls_library(const std::string& path);

// Whether the file of this name is OpenSSL's libssl or libcrypto, as distributions and as Python's wheels
// name them.
[[nodiscard]] bool is_libssl(const std::string& path);
[[nodiscard]] bool is_libcrypto(const std::string& path);

// Whether an executable is built by Go's own linker, with or without C libraries.
[[nodiscard]] bool is_go_program(const std::string& executable);

// "Go's own (crypto/tls)", if an executable contains its own TLS that is not OpenSSL; empty if none was
// found.
[[nodiscard]] std::string other_tls_inside(const std::string& executable);

// "BoringSSL", if a library or an executable contains a fork of OpenSSL; empty if none was found.
[[nodiscard]] std::string fork_of_openssl(const std::string& file);

// What shows that an executable contains OpenSSL; empty if nothing does.
[[nodiscard]] std::string openssl_inside(const std::string& executable);

// Those of these files, OpenSSL's own excluded, that contain a libssl: a module of a wheel, for example.
[[nodiscard]] std::vector<std::string> files_with_openssl_inside(const std::vector<std::string>& files);

} // namespace ibid::cli
