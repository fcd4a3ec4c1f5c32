// SPDX-License-Identifier: Apache-2.0
//
// The `ibid` command.
#include "cli/base/exit_status.h"
#include "cli/base/output.h"
#include "cli/base/say.h"
#include "cli/command_line/arguments.h"
#include "cli/command_line/run_arguments.h"

#include <cstdlib>
#include <exception>
#include <optional>
#include <system_error>

namespace {

int failed(const std::exception& error) {
    ibid::cli::complain(error.what());
    return ibid::cli::exit_cannot_run;
}

// `ibid run PROGRAM` executes the program before the static objects of other commands are constructed:
// iostreams, which CLI11 includes, cost as much as everything that is done here (docs/command.md, "What a
// start costs"). This requires a C library that passes the arguments to constructors, as glibc does; with
// another one, main() executes the program.
#ifdef __GLIBC__
[[gnu::constructor(101)]] void run_at_once(int count, char** words) {
    ibid::cli::survive_limit_of_file_size();
    try {
        const std::optional<ibid::cli::run_request> request = ibid::cli::plain_run(count, words);
        if (request && !request->statistics)
            std::_Exit(ibid::cli::run(*request)); // it could not be run
    } catch (const std::exception& error) {
        std::_Exit(failed(error));
    }
}
#endif

} // namespace

int main(int count, char** words) {
    ibid::cli::survive_limit_of_file_size();
    try {
        if (const std::optional<ibid::cli::run_request> request = ibid::cli::plain_run(count, words))
            return ibid::cli::run(*request);
        return ibid::cli::finish_output(ibid::cli::command_line(count, words));
    } catch (const std::system_error& error) {
        if (std::ferror(stdout) != 0)
            return ibid::cli::finish_output(ibid::cli::exit_no, error.code().value());
        return failed(error);
    } catch (const std::exception& error) {
        return failed(error);
    }
}
