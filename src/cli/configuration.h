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
// A line is a setting, a program's name in brackets, or a comment (#). Spaces around a name and a value do
// not count. There are no quotes, no continued lines, no comments behind a value.
//
// Laws:
//  - A program's section wins over what is for all; of two of the same kind the later one wins. The
//    environment wins over both.
//  - A line that is wrong gives one complaint and sets nothing. No file can make a program fail.
//  - Any bytes may be given.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ibid::cli {

class configuration {
public:
    struct setting {
        std::string program{}; // empty: for all
        std::string name{};
        std::string value{};
        std::string file{};
        unsigned line = 0;

        // "/etc/ibid.conf:3", "/etc/ibid.conf:7 [nginx]"
        [[nodiscard]] std::string place() const;
    };
    struct complaint {
        std::string program{}; // in whose section it is; empty: in none
        std::string text{};    // "/etc/ibid.conf:3: ..."
    };

    configuration() = default;
    // The files of the system in `root` (empty: the running one, or what IBID_CONFIG names instead).
    [[nodiscard]] static configuration load(const std::string& root = {});

    void add_file(const std::string& path, const std::string& shown_as);
    void add_text(std::string_view text, const std::string& file);

    // What holds for a program that has these names, the first one before the second: one setting of each
    // name. IBID_EXCLUDE also has the programs that a section disables: it is inherited, so they are left
    // alone wherever they are started.
    [[nodiscard]] std::vector<setting> settings_of(const std::vector<std::string>& programs) const;

    // What is wrong in lines that concern it.
    [[nodiscard]] std::vector<std::string> complaints_of(const std::vector<std::string>& programs) const;

    [[nodiscard]] const std::vector<setting>& settings() const { return settings_; }
    [[nodiscard]] const std::vector<complaint>& complaints() const { return complaints_; }
    [[nodiscard]] bool has_sections() const;

private:
    std::vector<setting> settings_;
    std::vector<complaint> complaints_;
};

} // namespace ibid::cli
