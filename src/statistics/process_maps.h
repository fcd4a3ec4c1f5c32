// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID/maps: what a process has mapped, one line for each mapping.
//
// Law: a file's path is as the kernel writes it. A line feed in it is "\012"; spaces, and a backslash, stand
// as they are; a file that was removed ends with " (deleted)", as any file's name may. Views point into the
// text that was parsed.
//
//     for (const mapping& m : mappings(text)) ...
//     const auto m = parse_mapping("7f00-7f02 r-xp 00000000 08:01 77    /usr/lib/libssl.so.3");
//     m->is_executable() && m->file() == "/usr/lib/libssl.so.3"
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ibid::shared_statistics {

struct mapping {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::string_view range; // "7f00-7f02": its name in /proc/PID/map_files
    std::string_view mode;  // "r-xp": read, write, execute; private or shared
    std::uint64_t offset = 0;
    std::uint64_t inode = 0; // 0: no file
    std::string_view name;   // a path, "[heap]", or empty

    [[nodiscard]] bool is_readable() const { return mode[0] == 'r'; }
    [[nodiscard]] bool is_writable() const { return mode[1] == 'w'; }
    [[nodiscard]] bool is_executable() const { return mode[2] == 'x'; }
    [[nodiscard]] bool is_private() const { return mode[3] == 'p'; }
    // The path; empty: it is none.
    [[nodiscard]] std::string_view file() const { return name.starts_with('/') ? name : std::string_view{}; }
};

// Nothing: the line is not one of such a file.
[[nodiscard]] std::optional<mapping> parse_mapping(std::string_view line);

// All lines of a text; what cannot be parsed is skipped.
class mappings {
public:
    class iterator {
    public:
        explicit iterator(std::string_view text) : rest_(text) { ++*this; }
        [[nodiscard]] const mapping& operator*() const { return *now_; }
        iterator& operator++();
        // Only compared with the end.
        [[nodiscard]] bool operator!=(std::nullptr_t) const { return now_.has_value(); }

    private:
        std::string_view rest_;
        std::optional<mapping> now_;
    };

    explicit mappings(std::string_view text) : text_(text) {}
    explicit mappings(const std::string&& text) = delete; // it would end before the loop
    [[nodiscard]] iterator begin() const { return iterator(text_); }
    [[nodiscard]] static std::nullptr_t end() { return nullptr; }

private:
    std::string_view text_;
};

} // namespace ibid::shared_statistics
