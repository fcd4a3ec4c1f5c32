// SPDX-License-Identifier: Apache-2.0
//
// The end of a command's standard output: a full disk, a limit or a closed pipe is an error of the command,
// not a shorter answer.
#pragma once

#include "cli/base/exit_status.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace ibid::cli {

// Writing beyond the limit of a file's size (RLIMIT_FSIZE) becomes an error like a full disk, and does not
// kill this process. By a handler: a program that is executed has the default action again.
inline void survive_limit_of_file_size() {
    struct sigaction now {};
    if (::sigaction(SIGXFSZ, nullptr, &now) != 0 || now.sa_handler != SIG_DFL)
        return;
    now.sa_handler = [](int) {};
    now.sa_flags = SA_RESTART;
    ::sigaction(SIGXFSZ, &now, nullptr);
}

// Why a flush before the end failed; 0: none did.
inline int output_error = 0;

// Flushes, so that the output is visible now.
inline void flush_output() {
    errno = 0;
    if (std::fflush(stdout) != 0 && output_error == 0)
        output_error = errno;
}

// Returns `status`; or, if output could not be written, prints one line that says so and returns exit_no.
// Nothing may be printed afterwards. `error`: the error of an earlier write, if known.
[[nodiscard]] inline int finish_output(int status, int error = 0) {
    flush_output();
    error = error != 0 ? error : output_error;
    bool failed = error != 0 || std::ferror(stdout) != 0;
    errno = 0;
    // A network file system may report errors only at close. EBADF: there was no standard output, and nothing
    // was printed.
    if (std::fclose(stdout) != 0 && errno != EBADF) {
        failed = true;
        error = error != 0 ? error : errno;
    }
    if (!failed)
        return status;
    std::fprintf(stderr, "ibid: standard output could not be written%s%s\n", error != 0 ? ": " : "",
                 error != 0 ? std::strerror(error) : "");
    return status == exit_ok ? exit_no : status;
}

} // namespace ibid::cli
