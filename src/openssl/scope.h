// SPDX-License-Identifier: Apache-2.0
//
// For whom OpenSSL parses just now, on this thread.
//
// Law: only what OpenSSL parses for its own use is shared by default: peers' certificates and what trust stores load. A
// certificate that an application parses with a call of its own is the application's, and so is one that it gives to
// libssl to present as its own.
#pragma once

#include <openssl/types.h>

#include <utility>

namespace ibid::openssl {

class certificate_cache;

enum class purpose : unsigned char {
    unknown,      // the caller's module decides: libssl parses for itself, everybody else for an application
    trust_store,  // inside a call that loads a trust store
    private_copy, // inside a call that will write into what it parses
};

struct thread_scope {
    purpose now = purpose::unknown;

    // The last object that X509_new_ex gave to OpenSSL's own code: empty, and nobody else's. The d2i_X509 that follows may
    // then replace it instead of filling it, and learns from here what no getter tells: where it is to be parsed.
    const X509* fresh = nullptr;
    OSSL_LIB_CTX* library_context = nullptr;
    const char* property_query = nullptr; // the caller's string: alive for as long as the caller's call

    // While libssl decodes a session: the cache that its peer's certificate comes from (session_peer.h).
    certificate_cache* session_peers = nullptr;
};

[[nodiscard]] inline thread_scope& this_thread_scope() noexcept {
    thread_local constinit thread_scope scope;
    return scope;
}

// Sets the purpose for a C++ scope; nested calls put it back.
class with_purpose {
public:
    explicit with_purpose(purpose p) noexcept : before_(std::exchange(this_thread_scope().now, p)) {}
    with_purpose(const with_purpose&) = delete;
    with_purpose& operator=(const with_purpose&) = delete;
    ~with_purpose() {
        this_thread_scope().now = before_;
        this_thread_scope().fresh =
            nullptr; // what OpenSSL made inside has been filled by now, this way or another
    }

private:
    purpose before_;
};

} // namespace ibid::openssl
