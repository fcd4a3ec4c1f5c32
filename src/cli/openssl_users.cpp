// SPDX-License-Identifier: Apache-2.0
//
// See openssl_users.h.
#include "cli/openssl_users.h"

#include "cli/service/processes.h"
#include "cli/stat.h"
#include "statistics/every_process.h"
#include "statistics/reading_child.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include <unistd.h>

namespace ibid::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 50ms; // with one process

// '-': may not be looked at, 'n': no, 'y': yes, 'i': and ibid is in it.
char kind_of(pid_t pid) {
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    const std::string text{std::istreambuf_iterator<char>(maps), {}};
    if (!maps.is_open() || maps.bad())
        return '-';
    // A kernel thread has no mappings.
    if (text.find("/libssl.so.3") == std::string::npos && text.find("/libssl.so.4") == std::string::npos)
        return 'n';
    return text.find("/libibid_preload.so") == std::string::npos ? 'y' : 'i';
}

} // namespace

openssl_users find_openssl_users() {
    openssl_users found;
    const std::vector<pid_t> pids = shared_statistics::every_process();
    shared_statistics::reading_child child([&pids](shared_statistics::reading_child::answers& out) {
        for (const pid_t pid : pids)
            out.send(std::string(1, kind_of(pid)));
    });
    std::map<std::pair<std::string, std::string>, openssl_user> by_name;
    for (const pid_t pid : pids) {
        const std::optional<std::string> kind = child.next(patience);
        if (!kind || kind->empty()) {
            found.complete = false;
            break;
        }
        found.complete &= *kind != "-";
        if ((*kind != "y" && *kind != "i") || pid == ::getpid())
            continue;
        const std::string name = name_of_process(pid);
        const std::string service = service::unit_of(pid);
        openssl_user& user = by_name[{service, name}];
        user.name = name;
        user.service = service;
        user.pids.push_back(pid);
        user.under_ibid |= *kind == "i";
    }
    for (auto& [key, user] : by_name)
        found.all.push_back(std::move(user));
    std::stable_sort(found.all.begin(), found.all.end(), [](const openssl_user& a, const openssl_user& b) {
        return a.pids.size() > b.pids.size();
    });
    return found;
}

} // namespace ibid::cli
