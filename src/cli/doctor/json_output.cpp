// SPDX-License-Identifier: Apache-2.0
//
// The findings as JSON.
#include "cli/doctor/output.h"

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace ibid::cli::doctor {
namespace {

// Not known (null) if there is no obstacle, but no OpenSSL is visible yet.
nlohmann::ordered_json helps(const findings& f) {
    if (f.unread && !f.no_memory)
        return nullptr;
    if (!f.problems.empty())
        return false;
    return f.openssl.libcrypto.empty() || f.not_known ? nlohmann::ordered_json(nullptr)
                                                      : nlohmann::ordered_json(true);
}

nlohmann::ordered_json settings_json(const findings& f) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const effective_setting& s : f.settings.settings)
        all.push_back({{"name", s.name}, {"value", s.value}, {"source", s.source}});
    return all;
}

} // namespace

nlohmann::ordered_json as_json(const findings& f) {
    const auto or_null = [](const std::string& s) {
        return s.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(s);
    };
    nlohmann::ordered_json features = nlohmann::ordered_json::array();
    for (const openssl::feature& one : f.features)
        features.push_back({{"name", one.name}, {"active", one.active}, {"why", one.why}});
    nlohmann::ordered_json out = {{"ibid", IBID_VERSION},
                                  {"helps", helps(f)},
                                  {"subject", or_null(f.subject)},
                                  {"preload", or_null(f.preload.value_or(""))},
                                  {"openssl",
                                   {{"libssl", or_null(f.openssl.libssl)},
                                    {"libcrypto", or_null(f.openssl.libcrypto)},
                                    {"version", or_null(f.openssl.version)},
                                    {"symbolic", f.openssl.symbolic}}},
                                  {"settings", settings_json(f)},
                                  {"notes", f.notes},
                                  {"problems", f.problems},
                                  {"next", f.next}};
    out["features"] = std::move(features);
    out["running"] = nlohmann::ordered_json::array();
    if (f.running) {
        for (const openssl_user& u : f.running->all)
            out["running"].push_back({{"name", u.name},
                                      {"service", or_null(u.service)},
                                      {"pids", u.pids},
                                      {"under_ibid", u.under_ibid}});
    }
    out["libcryptos"] = nlohmann::ordered_json::array();
    for (const auto& one : f.libcryptos)
        out["libcryptos"].push_back({{"path", one.path},
                                     {"version", or_null(one.version)},
                                     {"helped", one.helped},
                                     {"reason", or_null(one.helped ? std::string() : one.reason)}});
    return out;
}

} // namespace ibid::cli::doctor
