// SPDX-License-Identifier: Apache-2.0
//
// IBID_STATISTICS: where the shared memory of `ibid run --stats` is.
//
// It is System V shared memory, because that is found by a number: in any root directory, in any PID
// namespace and as any user, without /proc, without a descriptor that a program would see, and not limited by
// RLIMIT_FSIZE. Its size cannot be changed, so it cannot be truncated while a program uses it.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace ibid::shared_statistics {

struct place {
    int id = -1; // of the segment
    std::uint64_t nonce =
        0; // also inside the region: the same number means another segment in another IPC namespace

    [[nodiscard]] std::string text() const {
        return "shm:" + std::to_string(id) + ":" + std::to_string(nonce);
    }
};

// False if the text is invalid.
[[nodiscard]] inline bool parse_place(std::string_view text, place& into) noexcept {
    constexpr std::string_view scheme = "shm:";
    if (!text.starts_with(scheme))
        return false;
    const char* const last = text.data() + text.size();
    const auto id = std::from_chars(text.data() + scheme.size(), last, into.id);
    if (id.ec != std::errc{} || into.id < 0 || id.ptr == last || *id.ptr != ':')
        return false;
    const auto nonce = std::from_chars(id.ptr + 1, last, into.nonce);
    return nonce.ec == std::errc{} && nonce.ptr == last;
}

} // namespace ibid::shared_statistics
