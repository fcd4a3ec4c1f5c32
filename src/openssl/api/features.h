// SPDX-License-Identifier: Apache-2.0
//
// What ibid can do for a program with a given OpenSSL, and why. Used by the program itself
// (ibid_openssl_why_not) and, from outside, by `ibid doctor`.
//
// Law: calls between libraries can be intercepted in every build. Calls inside libcrypto cannot if they are
// bound at link time (-Bsymbolic, upstream's default; -Bsymbolic-functions, Ubuntu's). docs/openssl.md has
// the table, and the tests run it on both kinds of build.
#pragma once

#include <array>

namespace ibid::openssl {

struct feature {
    const char* name;
    bool active;
    const char* why; // static
};

enum feature_index { feature_peers, feature_sessions, feature_trust_stores, feature_signatures, feature_own };

// What is known about a program, its OpenSSL, and its environment.
struct circumstances {
    const char* obstacle = nullptr; // nothing can be shared at all, for this reason
    bool intercepted =
        true;           // ibid has been loaded, by LD_PRELOAD or in the link order, and has read the modules
    bool libssl = true; // the process has one
    bool symbolic = false;    // libcrypto was linked with -Bsymbolic or -Bsymbolic-functions
    bool verify_memo = true;  // IBID_VERIFY_MEMO
    bool everything = false;  // IBID_SCOPE=all
    bool other_files = false; // a module interposes the C library's file functions
    bool writer = false;      // a module of the program may write to what it gets
};

[[nodiscard]] constexpr std::array<feature, 5> features_of(const circumstances& c) noexcept {
    struct verdict {
        bool active;
        const char* why;
    };
    const auto judge = [&c](verdict otherwise, const char* instead, bool needs_libssl) {
        if (c.obstacle != nullptr) {
            return verdict{false, c.obstacle};
        }
        if (!c.intercepted) {
            return verdict{false, instead};
        }
        if (c.writer) {
            return verdict{false,
                           "the program names functions that write to certificates: it keeps objects of "
                           "its own for each connection and context"};
        }
        return needs_libssl && !c.libssl ? verdict{false, "no libssl: it does no TLS"} : otherwise;
    };
    const verdict peers = judge({true, "libssl asks libcrypto for them: intercepted there"},
                                "ibid is not loaded: use ibid_openssl_attach()", true);
    const verdict sessions = judge({true, "libssl asks libcrypto to decode them: intercepted there"},
                                   "ibid is not loaded: use ibid_openssl_attach()", true);
    const verdict stores = judge(
        c.other_files
            ? verdict{false, "another module defines the functions that open and read files, and "
                             "may give another file than "
                             "the path names"}
            : verdict{true, c.symbolic ? "files and default paths, intercepted where they enter libcrypto; "
                                         "not single files of a folder, "
                                         "which it reads by itself (-Bsymbolic)"
                                       : "files, folders and default paths"},
        "ibid is not loaded: use ibid_openssl_load_trust_store()", false);
    const verdict signatures = judge(
        !c.verify_memo ? verdict{false, "IBID_VERIFY_MEMO=0"}
        : !c.symbolic  ? verdict{true, "a link of a chain that was verified once is not verified again"}
        : c.libssl
            ? verdict{true,
                      "a chain that libssl has verified once, all of it from peers and trust files, is not "
                      "verified again (-Bsymbolic), unless the program has a verify callback"}
            : verdict{false, "libcrypto's calls to itself are bound inside it (-Bsymbolic)"},
        "ibid is not loaded", false);
    const verdict own = judge(
        c.everything ? verdict{true, "IBID_SCOPE=all: also certificates that the application parses"}
                     : verdict{false, "by default: certificates that the application parses are its own; "
                                      "IBID_SCOPE=all shares them"},
        "ibid is not loaded: use ibid_openssl_parse_certificate()", false);
    return {{{"peer certificates", peers.active, peers.why},
             {"resumed sessions", sessions.active, sessions.why},
             {"trust stores", stores.active, stores.why},
             {"signatures", signatures.active, signatures.why},
             {"application's own", own.active, own.why}}};
}

} // namespace ibid::openssl
