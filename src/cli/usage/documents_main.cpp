// SPDX-License-Identifier: Apache-2.0
//
// Writes the manual page and the completions into a folder: ibid-documents FOLDER. Runs at build time alone.
#include "cli/usage/documents.h"

#include <cstdio>
#include <fstream>
#include <string>

namespace ibid::cli::usage {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    return text;
}

} // namespace ibid::cli::usage

int main(int count, char** words) {
    using namespace ibid::cli::usage;
    if (count != 2) {
        std::fputs("usage: ibid-documents FOLDER\n", stderr);
        return 2;
    }
    const std::string folder = words[1];
    const auto write = [&folder](const char* name, const std::string& text) {
        std::ofstream file(folder + "/" + name, std::ios::binary);
        file << text << std::flush;
        if (!file)
            std::fprintf(stderr, "ibid-documents: cannot write %s/%s\n", folder.c_str(), name);
        return static_cast<bool>(file);
    };
    return write("ibid.1", manual_page(IBID_VERSION)) && write("ibid.bash", bash_completion()) &&
                   write("_ibid", zsh_completion()) && write("ibid.fish", fish_completion())
               ? 0
               : 1;
}
