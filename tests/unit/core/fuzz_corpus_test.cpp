// SPDX-License-Identifier: Apache-2.0
//
// Replays the fuzz target's corpus (fuzz/core/corpus) in every build, so that bugs which the fuzzer has found
// do not return.
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

TEST(the_fuzz_corpus, is_answered_as_the_model_answers) {
    int files = 0;
    for (const auto& file : std::filesystem::directory_iterator(IBID_FUZZ_CORPUS)) {
        std::ifstream in(file.path(), std::ios::binary);
        const std::vector<char> bytes(std::istreambuf_iterator<char>(in), {});
        SCOPED_TRACE(file.path().string());
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        ++files;
    }
    EXPECT_GT(files, 10);
}

TEST(random_operations, are_answered_as_the_model_answers) {
    std::mt19937 random(20); // the same story each time
    for (int story = 0; story < 300; ++story) {
        std::vector<std::uint8_t> bytes(400);
        for (std::uint8_t& b : bytes) {
            b = static_cast<std::uint8_t>(random());
        }
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
}

} // namespace
