// SPDX-License-Identifier: Apache-2.0
//
// A stretch of this process's memory.
#pragma once

namespace ibid::openssl {

// Nowhere, if it is not known.
struct extent {
    const void* start = nullptr;
    const void* end = nullptr;
    [[nodiscard]] bool contains(const void* address) const noexcept {
        return start <= address && address < end;
    }
};

} // namespace ibid::openssl
