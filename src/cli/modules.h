// SPDX-License-Identifier: Apache-2.0
//
// What the files of a program say about its use of OpenSSL: which TLS library it has, whether OpenSSL is
// inside the executable, and whether one of them may write to certificates. The last is asked of the same
// table as by the preload.
#pragma once

#include "openssl/modules/module_class.h"

#include <string>
#include <vector>

namespace ibid::cli {

// The file that decides what is shared in a program.
struct decisive_module {
    openssl::module_class kind = openssl::module_class::reader;
    std::string path;
    std::vector<std::string> names; // that it asks OpenSSL for, and that decide; some of them
};

// The worst of these files. OpenSSL's own are passed over.
[[nodiscard]] decisive_module classify(const std::vector<std::string>& files);

// The first of these files that asks OpenSSL for CRYPTO_set_mem_functions: a program that calls it shares
// nothing. Empty: none.
[[nodiscard]] std::string sets_memory_functions(const std::vector<std::string>& files);

// What a file names that disables ibid once it is called in a certain way. Whether it is, is not
// seen from outside.
struct reservation {
    std::string path;
    std::string call; // "CRYPTO_get_ex_new_index, RSA_set_ex_data"
    std::string when; // "it wants to be told of each key"
};
[[nodiscard]] std::vector<reservation> reservations(const std::vector<std::string>& files);

// "GnuTLS", when the file of this name is a TLS library that is not OpenSSL; empty when it is none.
[[nodiscard]] std::string other_tls_library(const std::string& path);

// Whether the file of this name is OpenSSL's libssl or libcrypto, as distributions and as Python's wheels
// name them.
[[nodiscard]] bool is_libssl(const std::string& path);
[[nodiscard]] bool is_libcrypto(const std::string& path);

// "Go's own (crypto/tls)", when the TLS of an executable is inside it, and is not OpenSSL; empty when that is
// not seen.
[[nodiscard]] std::string other_tls_inside(const std::string& executable);

// "BoringSSL", when a library or an executable has one of OpenSSL's forks in it; empty when that is not seen.
[[nodiscard]] std::string fork_of_openssl(const std::string& file);

// How it is seen that OpenSSL is inside an executable; empty when it is not seen.
[[nodiscard]] std::string openssl_inside(const std::string& executable);

} // namespace ibid::cli
