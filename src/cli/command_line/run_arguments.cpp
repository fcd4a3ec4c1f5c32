// SPDX-License-Identifier: Apache-2.0
//
// See run_arguments.h.
#include "cli/command_line/run_arguments.h"

#include "cli/settings/known_settings.h"

namespace ibid::cli {

run_words split_run(const std::vector<std::string_view>& words) {
    std::size_t at = 0;
    while (at < words.size() && words[at].starts_with("-")) {
        if (words[at] == "--")
            return {at, at + 1};
        at += words[at] == "--exclude" && at + 1 < words.size() ? 2 : 1;
    }
    return {at, at};
}

std::optional<run_request> plain_run(int count, const char* const* words) {
    using namespace std::literals;
    if (count < 3 || words[1] != "run"sv)
        return std::nullopt;
    const std::vector<std::string_view> rest(words + 2, words + count);
    const run_words split = split_run(rest);
    if (split.program >= rest.size())
        return std::nullopt;
    run_request request;
    for (std::size_t i = 0; i < split.options; ++i) {
        const std::string_view word = rest[i];
        if (word == "--stats") {
            request.statistics = true;
        } else if (word.starts_with("--stats=") && word.size() > "--stats="sv.size() && word != "--stats=-") {
            request.statistics = true;
            request.json_file = word.substr("--stats="sv.size());
        } else if (word == "--exclude" && i + 1 < split.options) {
            request.exclude.emplace_back(rest[++i]);
        } else if (word.starts_with("--exclude=")) {
            request.exclude.emplace_back(word.substr("--exclude="sv.size()));
        } else if (word == "--no-children") {
            request.children = false;
        } else {
            return std::nullopt;
        }
    }
    for (const std::string& name : request.exclude) {
        if (!can_be_excluded(name))
            return std::nullopt;
    }
    request.command.assign(rest.begin() + static_cast<std::ptrdiff_t>(split.program), rest.end());
    return request;
}

} // namespace ibid::cli
