// SPDX-License-Identifier: Apache-2.0
//
// Strings of a parser. A tokenizer for C-like languages reads real source files (its arguments; folders are
// searched) and stores every token in two ways: as a separate std::string, and interned with ibid::intern.
// Then it measures the heap memory of each way, and the time to find all uses of a name.
#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <malloc.h>

#include "ibid/intern.h"

namespace {

using name = ibid::handle<std::string>;

// The memory allocated by malloc, with its rounding.
std::size_t heap_bytes() {
    const struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

bool in_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// The end of the token that begins at `i`, where there is no space: a comment, a literal, a word or number,
// or a character.
std::size_t end_of_token(std::string_view text, std::size_t i) {
    const auto up_to = [&](std::string_view closing, std::size_t from) {
        const std::size_t found = text.find(closing, from);
        return found == std::string_view::npos ? text.size() : found + closing.size();
    };
    if (text.substr(i, 2) == "//") {
        return std::min(text.find('\n', i), text.size());
    }
    if (text.substr(i, 2) == "/*") {
        return up_to("*/", i + 2);
    }
    if (text[i] == '"' || text[i] == '\'') {
        std::size_t end = i + 1;
        while (end < text.size() && text[end] != text[i]) {
            end += text[end] == '\\' ? 2 : 1;
        }
        return std::min(end + 1, text.size());
    }
    if (!in_word(text[i])) {
        return i + 1;
    }
    return static_cast<std::size_t>(
        std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(), in_word) - text.begin());
}

// Calls f(token) for each token of `text`, except comments.
template <class Function>
void tokenize(std::string_view text, Function f) {
    for (std::size_t i = 0; i < text.size();) {
        if (std::isspace(static_cast<unsigned char>(text[i])) != 0) {
            ++i;
            continue;
        }
        const std::size_t end = end_of_token(text, i);
        if (text.substr(i, 2) != "//" && text.substr(i, 2) != "/*") {
            f(text.substr(i, end - i));
        }
        i = end;
    }
}

std::vector<std::string> read(int count, char** paths) {
    namespace fs = std::filesystem;
    std::vector<std::string> texts;
    const auto read_file = [&](const fs::path& path) {
        std::ifstream in(path, std::ios::binary);
        texts.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    };
    for (int i = 0; i < count; ++i) {
        if (fs::is_directory(paths[i])) {
            for (const fs::directory_entry& e : fs::recursive_directory_iterator(paths[i])) {
                if (e.is_regular_file()) {
                    read_file(e.path());
                }
            }
        } else {
            read_file(paths[i]);
        }
    }
    return texts;
}

// How many of `tokens` are equal to the first one, and how long it takes to find out.
template <class Token>
std::size_t uses_of_first(const std::vector<Token>& tokens, const Token& wanted, double& microseconds) {
    const auto start = std::chrono::steady_clock::now();
    const auto uses = std::count(tokens.begin(), tokens.end(), wanted);
    microseconds =
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
    return static_cast<std::size_t>(uses);
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> texts = read(argc - 1, argv + 1);
    std::size_t tokens = 0;
    for (const std::string& text : texts) {
        tokenize(text, [&](std::string_view) { ++tokens; });
    }
    if (tokens == 0) {
        std::fprintf(stderr, "usage: example_tokens FILE-OR-FOLDER...\n");
        return 2;
    }

    const std::size_t before_strings = heap_bytes();
    std::vector<std::string> strings;
    strings.reserve(tokens);
    for (const std::string& text : texts) {
        tokenize(text, [&](std::string_view token) { strings.emplace_back(token); });
    }
    const std::size_t of_strings = heap_bytes() - before_strings;

    const std::size_t before_names = heap_bytes();
    std::vector<name> names;
    names.reserve(tokens);
    for (const std::string& text : texts) {
        tokenize(text, [&](std::string_view token) { names.push_back(ibid::intern<std::string>(token)); });
    }
    const std::size_t of_names = heap_bytes() - before_names;

    const ibid::statistics s = ibid::canonical<std::string>().statistics();
    std::printf("%zu files, %zu tokens, %llu different\n", texts.size(), tokens,
                static_cast<unsigned long long>(s.entries));
    std::printf("a std::string each: %9zu bytes\n", of_strings);
    std::printf("interned:           %9zu bytes, table and all\n", of_names);
    std::printf("saved:              %9td bytes, %.0f %%\n",
                static_cast<std::ptrdiff_t>(of_strings) - static_cast<std::ptrdiff_t>(of_names),
                100 - 100.0 * static_cast<double>(of_names) / static_cast<double>(of_strings));

    // From now on, names are compared by their addresses.
    double by_text = 0;
    double by_name = 0;
    const std::string wanted("const");
    const std::size_t uses = uses_of_first(strings, wanted, by_text);
    const std::size_t same_uses = uses_of_first(names, ibid::intern(wanted), by_name);
    std::printf("all uses of 'const': %zu, found in %.0f us by text, in %.0f us by name\n", uses, by_text,
                by_name);

    bool right = uses == same_uses && s.hits + s.misses == tokens;
    for (std::size_t i = 0; i < tokens; ++i) {
        right = right && *names[i] == strings[i];
    }
    names.clear();
    const bool empty = ibid::canonical<std::string>().statistics().entries == 0;
    std::printf("the parser's tree goes: %s\n", empty ? "no string is left" : "FAILED: strings are left");
    if (!right) {
        std::printf("FAILED: the two ways differ\n");
    }
    return right && empty ? 0 : 1;
}
