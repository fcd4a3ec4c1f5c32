// SPDX-License-Identifier: Apache-2.0
//
// See openssl_users.h.
#include "cli/doctor/openssl_users.h"

#include "cli/programs/process.h"
#include "cli/programs/tls_library.h"
#include "cli/systemd/processes.h"
#include "statistics/every_process.h"
#include "statistics/process_maps.h"
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

constexpr auto timeout = 50ms; // of one process

// Whether this is libssl of OpenSSL 3 or 4: "/libssl.so.3", or "/libssl-8bd944e8.so.3" of a wheel.
bool is_libssl_of_openssl(std::string_view path) {
    const std::string file(path.substr(std::min(path.rfind('/'), path.size())));
    const std::size_t version = file.find(".so.");
    return is_libssl(file) && version != std::string::npos && version + 4 < file.size() &&
           (file[version + 4] == '3' || file[version + 4] == '4');
}

// '-': may not be looked at, 'n': no, 'y': yes, 'i': and ibid is in it.
char kind_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/maps");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file.is_open() || file.bad())
        return '-';
    bool has_libssl = false;
    bool has_ibid = false;
    for (const shared_statistics::mapping& m :
         shared_statistics::mappings(text)) { // a kernel thread has none
        has_libssl |= is_libssl_of_openssl(m.file());
        has_ibid |= m.file().find("/libibid_preload.so") != std::string_view::npos;
    }
    return !has_libssl ? 'n' : has_ibid ? 'i' : 'y';
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
        const std::optional<std::string> kind = child.next(timeout);
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
