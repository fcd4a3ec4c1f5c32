// SPDX-License-Identifier: Apache-2.0
//
// A file's contents, for tests that need no file.
#pragma once

#include <algorithm>
#include <string_view>

#include "openssl/trust/file_content.h"

namespace ibid::test {

[[nodiscard]] inline openssl::file_content content_from(std::string_view text) {
    openssl::file_content content(text.size());
    for (openssl::wiped_bytes& piece : content.pieces()) {
        std::copy_n(text.begin(), piece.size(), piece.data());
        text.remove_prefix(piece.size());
    }
    return content;
}

} // namespace ibid::test
