// SPDX-License-Identifier: Apache-2.0
//
// Replays the corpus of the differential fuzz target (fuzz/openssl) in every build: each input is played on
// stock OpenSSL and under ibid, and both must see the same. The target itself ends this program where they do
// not, and says what differs.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include <gtest/gtest.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using bytes = std::vector<std::uint8_t>;

[[nodiscard]] std::vector<bytes> corpus() {
    std::vector<std::filesystem::path> files;
    for (const auto& file : std::filesystem::directory_iterator(IBID_FUZZ_CORPUS)) {
        files.push_back(file.path());
    }
    std::sort(files.begin(), files.end()); // a folder has no order of its own
    std::vector<bytes> all;
    for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        all.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return all;
}

TEST(the_fuzz_corpus, is_seen_as_stock_sees_it) {
    const std::vector<bytes> all = corpus();
    EXPECT_GT(all.size(), 50U);
    for (const bytes& input : all) {
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
}

TEST(certificates_that_differ_in_one_byte, are_seen_as_stock_sees_them) {
    std::mt19937 random(4); // the same bytes each time
    const std::vector<bytes> all = corpus();
    for (int i = 0; i < 500; ++i) {
        bytes input = all[random() % all.size()];
        if (input.size() > 2) {
            input[2 + random() % (input.size() - 2)] ^= static_cast<std::uint8_t>(1U << random() % 8);
        }
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
}

// What one scene has left behind, in the cache and in files that are remembered, is there for the next.
TEST(the_same_certificate, is_seen_as_stock_sees_it_in_all_scenes_one_after_another) {
    std::mt19937 random(5);
    const std::vector<bytes> all = corpus();
    for (int i = 0; i < 20; ++i) {
        bytes input = all[random() % all.size()];
        if (input.size() < 2) {
            continue;
        }
        if (i % 2 == 0) { // with trust settings behind it, that say nothing
            input.insert(input.end(), {0x30, 0x00});
        }
        for (int k = 0; k < 200; ++k) {
            input[0] = static_cast<std::uint8_t>(random());
            input[1] = static_cast<std::uint8_t>(random());
            LLVMFuzzerTestOneInput(input.data(), input.size());
        }
    }
}

} // namespace
