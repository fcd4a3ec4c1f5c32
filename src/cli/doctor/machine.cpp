// SPDX-License-Identifier: Apache-2.0
//
// This machine: what is installed, and who uses OpenSSL now.
#include "cli/doctor/subjects.h"

#include "cli/doctor/environment.h"
#include "cli/doctor/installation.h"
#include "cli/doctor/openssl.h"
#include "cli/programs/loader.h"
#include "cli/programs/openssl_build.h"
#include "cli/programs/process.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace ibid::cli::doctor {

findings look_at_machine() {
    findings f;
    look_at_installation(f);
    look_at_settings(f, surroundings(), "environment", configuration::load(), {});
    std::vector<loaded_file> libraries;
    std::string why_not;
    // If a system has both, the older one is for old programs.
    for (const int version : {4, 3}) {
        for (const char* const name : {"libssl", "libcrypto"}) {
            if (!why_not.empty())
                break;
            loader_answer answer = library_by_name(fmt::format("{}.so.{}", name, version));
            std::move(answer.files.begin(), answer.files.end(), std::back_inserter(libraries));
            why_not = answer.why_not;
        }
        if (!libraries.empty())
            break;
    }
    f.openssl = look_at_openssl(libraries);
    judge_openssl(f);
    if (f.openssl.libcrypto.empty() && !why_not.empty()) {
        f.problems.push_back(why_not);
    } else if (f.openssl.libcrypto.empty()) {
        f.problems.emplace_back("neither libcrypto.so.3 nor libcrypto.so.4 is installed where the loader "
                                "looks: no program of this "
                                "system's uses OpenSSL");
    }
    if (const std::string why = without_proc(); !why.empty())
        f.notes.push_back(why);
    f.running = find_openssl_users();
    if (f.running->not_started != 0)
        f.notes.push_back("what runs now is not known: " + why_no_child(f.running->not_started));
    if (!f.running->all.empty())
        f.next.emplace_back(
            "'ibid doctor NAME.service', or of a PID, says whether ibid helps it; 'ibid certs "
            "--estimate PID' what it would save");
    else if (f.problems.empty())
        f.next.emplace_back(
            "'ibid doctor PROGRAM' says whether ibid helps it, for example 'ibid doctor nginx'");
    return f;
}

} // namespace ibid::cli::doctor
