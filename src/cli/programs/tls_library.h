// SPDX-License-Identifier: Apache-2.0
//
// Which TLS library a file is or contains: OpenSSL, a fork of it, or another one.
#pragma once

#include "cli/programs/loaded_files.h"

#include <string>
#include <vector>

namespace ibid::cli {

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
[[nodiscard]] std::vector<loaded_file> files_with_openssl_inside(const std::vector<loaded_file>& files);

} // namespace ibid::cli
