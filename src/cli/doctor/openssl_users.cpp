// SPDX-License-Identifier: Apache-2.0
//
// See openssl_users.h.
#include "cli/doctor/openssl_users.h"

#include "cli/programs/process.h"
#include "cli/programs/tls_library.h"
#include "cli/systemd/processes.h"
#include "statistics/every_process.h"
#include "statistics/reading_child.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>
#include <tuple>

#include <unistd.h>

namespace ibid::cli::doctor {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 50ms; // with one process

// Whether libssl of OpenSSL 3 or 4 is in these maps: "/libssl.so.3", or "/libssl-8bd944e8.so.3" of a wheel.
bool maps_libssl(const std::string& maps) {
    constexpr std::string_view name = "/libssl";
    for (std::size_t at = maps.find(name); at != std::string::npos; at = maps.find(name, at + 1)) {
        const std::string file = maps.substr(at, maps.find('\n', at) - at);
        const std::size_t version = file.find(".so.");
        if (is_libssl(file) && version != std::string::npos && version + 4 < file.size() &&
            (file[version + 4] == '3' || file[version + 4] == '4'))
            return true;
    }
    return false;
}

// '-': may not be looked at, 'n': no, 'y': yes, 'i': and ibid is in it.
char kind_of(pid_t pid) {
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    const std::string text{std::istreambuf_iterator<char>(maps), {}};
    if (!maps.is_open() || maps.bad())
        return '-';
    // A kernel thread has no mappings.
    if (!maps_libssl(text))
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
    found.not_started = child.not_started();
    std::map<std::tuple<std::string, std::string, bool>, openssl_user> by_name;
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
        const std::string service = systemd::unit_of(pid);
        openssl_user& user = by_name[{service, name, *kind == "i"}];
        user.name = name;
        user.service = service;
        user.pids.push_back(pid);
        user.under_ibid = *kind == "i";
    }
    for (auto& [key, user] : by_name)
        found.all.push_back(std::move(user));
    std::stable_sort(found.all.begin(), found.all.end(), [](const openssl_user& a, const openssl_user& b) {
        return a.pids.size() > b.pids.size();
    });
    return found;
}

} // namespace ibid::cli::doctor
