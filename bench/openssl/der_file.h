// SPDX-License-Identifier: Apache-2.0
//
// Certificates as bytes: files of DER, one certificate after another.
#pragma once

#include "owned.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <vector>

namespace bench {

using bytes = std::vector<unsigned char>;

inline bytes read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error(path.string() + " cannot be read");
    return {std::istreambuf_iterator<char>(file), {}};
}

// The certificates in the contents of a file; the spans point into them. Certificates of this size have
// lengths of two bytes: 30 82 hh ll (X.690 section 8.1.3).
inline std::vector<std::span<const unsigned char>> split_certificates(const bytes& file) {
    std::vector<std::span<const unsigned char>> found;
    std::span<const unsigned char> rest(file);
    while (!rest.empty()) {
        if (rest.size() < 4 || rest[0] != 0x30 || rest[1] != 0x82)
            throw std::runtime_error("no certificate where one should begin");
        const std::size_t size = 4u + (std::size_t{rest[2]} << 8) + rest[3];
        if (size > rest.size())
            throw std::runtime_error("the last certificate is cut off");
        found.push_back(rest.first(size));
        rest = rest.subspan(size);
    }
    return found;
}

inline owned_x509 parse(std::span<const unsigned char> der) {
    const unsigned char* position = der.data();
    return owned_x509{require(d2i_X509(nullptr, &position, static_cast<long>(der.size())), "d2i_X509")};
}

} // namespace bench
