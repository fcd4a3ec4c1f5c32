// SPDX-License-Identifier: Apache-2.0
//
// The files that a program would load or that a running process has mapped: its executable and its libraries.
//
// Law: what is read is what the process has. A package upgrade replaces files under running processes; the
// path then leads to another file, or to none.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ibid::cli {

// A file without a name that holds a copy of other bytes.
class memory_file {
public:
    explicit memory_file(const std::string& bytes);
    memory_file(const memory_file&) = delete;
    memory_file& operator=(const memory_file&) = delete;
    ~memory_file();

    [[nodiscard]] std::string path() const; // empty: it could not be made

private:
    int fd_;
};

struct loaded_file {
    std::string path;      // by which the program knows it
    std::string at;        // where this command reads it; empty: it may not
    bool replaced = false; // in the file system, since it was mapped
    std::shared_ptr<const memory_file> copy;

    // A file that is where its path says.
    [[nodiscard]] static loaded_file in_place(const std::string& path) {
        return {path, path, false, nullptr};
    }
};

// The files that a running process has mapped as executable. Empty without permission to read them.
[[nodiscard]] std::vector<loaded_file> files_of_process(pid_t pid);

// The path of a process's executable; empty without permission. It is read at /proc/PID/exe.
[[nodiscard]] std::string executable_of_process(pid_t pid);

// The folder below which this command sees the files of a process: empty if both are in the same mounts.
[[nodiscard]] std::string root_of_process(pid_t pid);

// The path of the first one whose file name begins with `name` ("libcrypto.so"); empty if there is none.
[[nodiscard]] std::string first_named(const std::vector<loaded_file>& files, const std::string& name);

} // namespace ibid::cli
