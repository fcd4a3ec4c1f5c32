// SPDX-License-Identifier: Apache-2.0
//
// Files, mostly ones that somebody else has made, on this machine or in the folder of an image.
//
// Law: reading one ends, and a path of an image never leads out of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ibid::cli {

struct file_text {
    std::optional<std::string> text;
    std::string why_not; // "it is not a regular file", for a person; empty: there is no such file

    [[nodiscard]] bool is_there() const { return text || !why_not.empty(); }
};

// Reads regular files of up to 1 MiB; /dev/null is an empty one. A FIFO does not block it.
[[nodiscard]] file_text read_text_file(const std::string& path);
[[nodiscard]] std::vector<std::string> lines_of_file(const std::string& path); // none if it cannot be read

// False: errno says why not all was written.
[[nodiscard]] bool write_all(int fd, std::string_view text);

// The path on this machine of an image's path: its links are followed inside the image. `root`: the folder of
// the image, or empty. `last_link`: also that of the last part. Links without an end lead to no file.
[[nodiscard]] std::string inside(const std::string& root, std::string_view path, bool last_link = true);

} // namespace ibid::cli
