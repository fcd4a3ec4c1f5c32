// SPDX-License-Identifier: Apache-2.0
//
// A range of this process's memory.
#pragma once

namespace ibid::openssl {

// Empty if not known.
struct extent {
    const void* start = nullptr;
    const void* end = nullptr;
    [[nodiscard]] bool contains(const void* address) const noexcept {
        return start <= address && address < end;
    }
};

} // namespace ibid::openssl
