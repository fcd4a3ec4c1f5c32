// SPDX-License-Identifier: Apache-2.0
//
// Settings from files: /etc/ibid.conf, then /etc/ibid.conf.d/*.conf by name. The command reads them and puts
// them into a program's environment; nothing inside a program reads a file (decision 24).
//
//     # for all programs
//     IBID_RETAIN=8M:2048
//     [nginx]
//     IBID_PRIVACY=strict
//
// A line is a setting, a program's name in brackets, or a comment (#). Spaces around a name and a value are
// ignored. There are no quotes, no continued lines, and no comments after a value.
//
// Laws:
//  - A program's section overrides settings for all programs; of two of the same kind the later one counts.
//    The environment overrides both.
//  - An invalid line gives one message and sets nothing. No file can make a program fail.
//  - Any bytes may be given.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ibid::cli {

class configuration {
public:
    struct setting {
        std::string program{}; // empty: for all programs
        std::string name{};
        std::string value{};
        std::string file{};
        unsigned line = 0;

        // "/etc/ibid.conf:3", "/etc/ibid.conf:7 [nginx]"
        [[nodiscard]] std::string place() const;
    };
    struct complaint {
        std::string program{}; // the program of its section; empty: none
        std::string text{};    // "/etc/ibid.conf:3: ..."
    };

    configuration() = default;
    // The files of the system in `root` (empty: of the running system, or the file that IBID_CONFIG names).
    [[nodiscard]] static configuration load(const std::string& root = {});

    // No control characters, and no more than 1,024 characters.
    [[nodiscard]] static bool can_hold(std::string_view value);

    void add_file(const std::string& path, const std::string& shown_as);
    void add_text(std::string_view text, const std::string& file);

    // The settings for a program with these names, of which the first has precedence: one value for each
    // setting. IBID_EXCLUDE also contains the programs that a section disables; it is inherited, so ibid is
    // disabled in them wherever they are started.
    [[nodiscard]] std::vector<setting> settings_of(const std::vector<std::string>& programs) const;

    // A value of IBID_EXCLUDE from elsewhere (the environment, a unit), with the programs other than these
    // that a section disables. Nothing: it has them all.
    [[nodiscard]] std::optional<setting>
    with_disabled_programs(const std::string& list, const std::vector<std::string>& programs) const;

    // The errors in lines that apply to it.
    [[nodiscard]] std::vector<std::string> complaints_of(const std::vector<std::string>& programs) const;

    [[nodiscard]] const std::vector<setting>& settings() const { return settings_; }
    [[nodiscard]] const std::vector<complaint>& complaints() const { return complaints_; }
    [[nodiscard]] bool has_sections() const;

private:
    std::vector<setting> settings_;
    std::vector<complaint> complaints_;
};

} // namespace ibid::cli
