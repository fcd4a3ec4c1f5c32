// SPDX-License-Identifier: Apache-2.0
//
// What a program can see of what OpenSSL did, as text: two processes that write the same text saw the same.
//
// Law: nothing in it differs between two runs of stock OpenSSL (no address, no random number, no time), and
// nothing that an application can tell apart is left out: results, the advance of the input, who owns what,
// each error with its place and its data.
#pragma once

#include <openssl/err.h>
#include <openssl/x509.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace ibid::fuzz {

class outcome {
public:
    // What the lines that follow are about.
    void about(const char* scene) { text_.append("== ").append(scene).append("\n"); }

    void number(const char* name, long long value) {
        text_.append(name).append(" ").append(std::to_string(value)).append("\n");
    }

    // Bytes, by their length and a digest.
    void bytes(const char* name, const void* data, std::size_t size);

    // All that is in the error queue, which is empty afterwards. But for one: that a certificate's extensions
    // are faulty OpenSSL says once for each object, at its first use. Where several were read before any was
    // used, how often it is said tells how many objects there are (docs/openssl.md, "Limits").
    void errors();

    // A certificate: how it is encoded again, what was found out when it was parsed, and its trust settings.
    // Null is one, too.
    void certificate(const char* name, X509* x);

    void crl(const char* name, X509_CRL* crl);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
};

} // namespace ibid::fuzz
