// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's visible results as text: if two processes write the same text, they have seen the same.
//
// Law: the text is the same in each run of stock OpenSSL (no address, no random number, no time), and
// contains everything that an application can distinguish: results, the advance of the input, the owner of
// each object, each error with its location and its data.
#pragma once

#include <openssl/err.h>
#include <openssl/x509.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace ibid::fuzz {

class outcome {
public:
    // A heading for the following lines.
    void about(const char* scene) { text_.append("== ").append(scene).append("\n"); }

    void number(const char* name, long long value) {
        text_.append(name).append(" ").append(std::to_string(value)).append("\n");
    }

    // Bytes, as their length and a digest.
    void bytes(const char* name, const void* data, std::size_t size);

    // The whole error queue, which is then empty, with one exception: OpenSSL reports faulty extensions of a
    // certificate once for each object, at its first use. If several were read before the first use, the
    // number of reports is the number of objects (docs/openssl.md, "Limits").
    void errors();

    // A certificate: its encoding, the results of parsing it, and its trust settings. It may be null.
    void certificate(const char* name, X509* x);

    void crl(const char* name, X509_CRL* crl);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
};

} // namespace ibid::fuzz
