// SPDX-License-Identifier: Apache-2.0
//
// The smallest user of the OpenSSL layer: bytes that are no certificate give none.
#include <ibid/openssl.h>

#include <array>

int main() {
    const std::array<unsigned char, 4> der{0x30, 0x02, 0x05, 0x00};
    return ibid::openssl::parse_certificate(der) == nullptr ? 0 : 1;
}
