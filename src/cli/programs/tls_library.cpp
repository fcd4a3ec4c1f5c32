// SPDX-License-Identifier: Apache-2.0
//
// See tls_library.h.
#include "cli/programs/tls_library.h"

#include "cli/programs/elf_file.h"
#include "cli/programs/file_bytes.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

std::string_view base_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

struct tls_library {
    std::string_view file;
    const char* name;
};
constexpr std::array other_tls_libraries{
    tls_library{"libgnutls.so", "GnuTLS"},    tls_library{"libssl3.so", "NSS"},
    tls_library{"libmbedtls.so", "Mbed TLS"}, tls_library{"libwolfssl.so", "wolfSSL"},
    tls_library{"libtls.so", "LibreSSL"},
};

// A text that is searched for. It is written backwards, so that this program does not contain it and is not
// taken for one of those.
class mark {
public:
    explicit mark(std::string_view backwards) : text_(backwards.rbegin(), backwards.rend()) {}
    [[nodiscard]] const std::string& text() const { return text_; }

    // The position of the first one at or behind `from`. The files may have 100 MB.
    [[nodiscard]] std::size_t in(std::string_view all, std::size_t from = 0) const {
        if (from >= all.size())
            return std::string_view::npos;
        const void* const at = ::memmem(all.data() + from, all.size() - from, text_.data(), text_.size());
        return at == nullptr ? std::string_view::npos
                             : static_cast<std::size_t>(static_cast<const char*>(at) - all.data());
    }
    [[nodiscard]] bool is_in(std::string_view part) const { return in(part) != std::string_view::npos; }

private:
    std::string text_;
};

// Go's linker begins the build information with a mark, at a multiple of 16, and the size of a pointer
// (debug/buildinfo). Other programs look for the mark, and contain it somewhere. `offset`: of the part in the
// file; where that is a multiple, so is the address.
bool is_go(std::string_view part, std::uint64_t offset) {
    static const mark begin("\x08:fnidliub oG \xff");
    std::size_t at = begin.in(part);
    while (at != std::string_view::npos && (offset + at) % 16 != 0)
        at = begin.in(part, at + 1);
    return at != std::string_view::npos;
}

// A method's name, which Go keeps for stack traces. The name of the package alone is in each program with a
// table of Go's settings.
const mark& go_tls() {
    static const mark name(".)nnoC*(.slt/otpyrc");
    return name;
}

// A function of libssl's, which names itself in OpenSSL's error queue, in every version since 1.1. It is also
// there if nothing refers to the version.
const mark& function_of_libssl() {
    static const mark name("olleh_revres_ssecorp_slt");
    return name;
}

// How each library names itself in the place of OpenSSL's version: "OpenSSL 1.1.1 (compatible; BoringSSL)",
// "LibreSSL 3.8.2".
std::string fork_of_openssl_in(std::string_view part) {
    static const mark compatible(" ;elbitapmoc(");
    static const mark libressl(" LSSerbiL");
    for (std::size_t at = compatible.in(part); at != std::string_view::npos;
         at = compatible.in(part, at + 1)) {
        const std::string_view name = part.substr(at + compatible.text().size());
        if (name.starts_with("BoringSSL)"))
            return "BoringSSL";
        if (name.starts_with("AWS-LC"))
            return "AWS-LC";
    }
    for (std::size_t at = libressl.in(part); at != std::string_view::npos; at = libressl.in(part, at + 1)) {
        const std::string_view version = part.substr(at + libressl.text().size());
        if (version.size() > 1 && version[0] >= '2' && version[0] <= '4' && version[1] == '.')
            return "LibreSSL";
    }
    return {};
}

bool exports_libssl(const file_bytes& elf) {
    bool exports = false;
    for_each_symbol(
        elf, [&](std::string_view name, bool defined) { exports |= defined && name == "SSL_CTX_new"; });
    return exports;
}

} // namespace

std::string other_tls_library(const std::string& path) {
    for (const tls_library& one : other_tls_libraries) {
        if (base_name(path).starts_with(one.file))
            return one.name;
    }
    return {};
}

bool is_libssl(const std::string& path) {
    const std::string_view name = base_name(path);
    return name.starts_with("libssl.so") ||
           (name.starts_with("libssl-") && name.find(".so") != std::string_view::npos);
}

bool is_libcrypto(const std::string& path) {
    const std::string_view name = base_name(path);
    return name.starts_with("libcrypto.so") ||
           (name.starts_with("libcrypto-") && name.find(".so") != std::string_view::npos);
}

bool is_go_program(const std::string& executable) {
    return any_data(file_bytes(executable), is_go);
}

std::string other_tls_inside(const std::string& executable) {
    static const mark of_rustls("-sltsur/");
    static const mark in_rustls("::sltsur");
    bool go = false;
    bool goes_tls = false;
    bool is_of_rustls = false;
    bool is_in_rustls = false;
    std::string fork;
    any_data(file_bytes(executable), [&](std::string_view part, std::uint64_t offset) {
        go = go || is_go(part, offset);
        goes_tls = goes_tls || go_tls().is_in(part);
        is_of_rustls = is_of_rustls || of_rustls.is_in(part);
        is_in_rustls = is_in_rustls || in_rustls.is_in(part);
        if (fork.empty())
            fork = fork_of_openssl_in(part);
        return go && goes_tls;
    });
    if (go)
        return goes_tls ? "Go's own (crypto/tls)" : std::string();
    return is_of_rustls && is_in_rustls ? "rustls" : fork;
}

std::string fork_of_openssl(const std::string& path) {
    std::string fork;
    any_data(file_bytes(path), [&fork](std::string_view part, std::uint64_t) {
        fork = fork_of_openssl_in(part);
        return !fork.empty();
    });
    return fork;
}

std::string openssl_inside(const std::string& executable) {
    const file_bytes file(executable);
    std::string version;
    bool has_function = false;
    any_data(file, [&](std::string_view part, std::uint64_t) {
        version = openssl_version_in(part);
        has_function = has_function || function_of_libssl().is_in(part);
        return !version.empty();
    });
    if (exports_libssl(file))
        return version.empty() ? "it exports SSL_CTX_new itself"
                               : fmt::format("it exports SSL_CTX_new itself, of OpenSSL {}", version);
    if (!version.empty())
        return fmt::format("the text \"OpenSSL {}\" is in it", version);
    return has_function ? fmt::format("the text \"{}\" is in it", function_of_libssl().text())
                        : std::string();
}

std::vector<loaded_file> files_with_openssl_inside(const std::vector<loaded_file>& files) {
    constexpr std::size_t least = 1 << 20; // libssl and libcrypto have several MB
    std::vector<loaded_file> found;
    for (const loaded_file& one : files) {
        if (is_libssl(one.path) || is_libcrypto(one.path))
            continue;
        const file_bytes file(one.at);
        // The version alone is also in programs that are linked with OpenSSL and say so, as nginx.
        if (file.size() >= least && any_data(file, [](std::string_view part, std::uint64_t) {
                return function_of_libssl().is_in(part);
            }))
            found.push_back(one);
    }
    return found;
}

} // namespace ibid::cli
