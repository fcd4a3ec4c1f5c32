// SPDX-License-Identifier: Apache-2.0
//
// See openssl.h.
#include "cli/doctor/openssl.h"

#include "openssl/binding/versions.h"

#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h> // fmt::join, since fmt 11

namespace ibid::cli::doctor {
namespace {

// The major version of "4.0.3".
openssl::openssl_version parsed(const std::string& version) {
    unsigned parts[3] = {};
    const char* at = version.data();
    const char* const end = at + version.size();
    for (unsigned& part : parts) {
        at = std::from_chars(at, end, part).ptr;
        at += at != end && *at == '.' ? 1 : 0;
    }
    return openssl::openssl_version(static_cast<unsigned long>(parts[0]) << 28 | parts[1] << 20 |
                                    parts[2] << 4);
}

// The features. All are inactive without a libcrypto of version 3 or 4.
std::array<openssl::feature, 5> features_of(const findings& f) {
    openssl::circumstances here;
    const openssl::openssl_version version = parsed(f.openssl.version);
    if (f.openssl.libcrypto.empty() || !version.is_known())
        here.obstacle = f.openssl.unread && f.openssl.version.empty() ? "its OpenSSL may not be read"
                                                                      : "there is no OpenSSL 3 or 4";
    else if (version.defect() != nullptr)
        here.obstacle = version.defect();
    else if (!f.own_memory.empty())
        here.obstacle = "the program sets OpenSSL's memory functions (CRYPTO_set_mem_functions)";
    here.libssl = !f.openssl.libssl.empty();
    here.symbolic = f.openssl.symbolic;
    here.verify_memo = f.settings["IBID_VERIFY_MEMO"] != "0";
    here.writer = f.decisive.kind == openssl::module_class::writer;
    here.everything = f.settings["IBID_SCOPE"] == "all";
    return openssl::features_of(here);
}

} // namespace

void judge_openssl(findings& f) {
    f.features = features_of(f);
    if (f.openssl.libcrypto.empty())
        return;
    if (!f.own_memory.empty())
        f.problems.push_back(fmt::format(
            "{} sets OpenSSL's memory functions (CRYPTO_set_mem_functions), and that memory may be "
            "shared between processes: ibid is disabled there (docs/safety.md)",
            f.own_memory));
    if (!f.openssl.fork.empty()) {
        f.problems.push_back(fmt::format("its TLS is {} ({}); ibid helps programs whose TLS is OpenSSL",
                                         f.openssl.fork, f.openssl.libcrypto));
    } else if (f.openssl.unread && f.openssl.version.empty()) {
        f.not_known = true;
    } else if (const openssl::openssl_version version = parsed(f.openssl.version); !version.is_known()) {
        f.problems.push_back(
            fmt::format("{} is neither OpenSSL 3 nor 4{}", f.openssl.libcrypto,
                        f.openssl.version.empty() ? "" : fmt::format(" (version {})", f.openssl.version)));
        f.next.emplace_back("use a build of the program that is linked with OpenSSL 3 or 4");
    } else if (version.defect() != nullptr) {
        f.problems.emplace_back(version.defect());
        f.next.emplace_back("install OpenSSL 4.0.3 or newer");
    } else if (!version.is_tested()) {
        f.notes.push_back(fmt::format(
            "OpenSSL {} is newer than ibid's tests: at its first use ibid tries it with a certificate of its "
            "own, and is disabled if that fails ('ibid stat' tells)",
            f.openssl.version));
    }
    if (f.decisive.kind == openssl::module_class::writer)
        f.problems.push_back(fmt::format(
            "{} names functions by which it could write to certificates ({}): nothing is shared with it "
            "(docs/safety.md)",
            f.decisive.path, fmt::join(f.decisive.names, ", ")));
    else if (f.decisive.kind == openssl::module_class::attacher)
        f.notes.push_back(
            fmt::format("{} attaches data to certificates ({}): one connection at a time sees a shared one "
                        "(docs/safety.md)",
                        f.decisive.path, fmt::join(f.decisive.names, ", ")));
}

} // namespace ibid::cli::doctor
