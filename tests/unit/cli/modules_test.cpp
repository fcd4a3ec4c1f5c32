// SPDX-License-Identifier: Apache-2.0
//
// What a program's files tell about its use of OpenSSL.
#include "cli/programs/modules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace ibid::cli {
namespace {

using ::testing::Contains;

std::vector<loaded_file> files(std::initializer_list<const char*> paths) {
    std::vector<loaded_file> all;
    for (const char* path : paths)
        all.push_back(loaded_file::in_place(path));
    return all;
}

TEST(modules, that_write_to_certificates_are_told_from_those_that_read) {
    const decisive_module nothing = classify(files({READER_LIBRARY, "/nowhere/at/all"}));
    EXPECT_EQ(nothing.kind, openssl::module_class::reader);
    EXPECT_EQ(nothing.path, "");
    const decisive_module attacher = classify(files({READER_LIBRARY, ATTACHER_LIBRARY}));
    EXPECT_EQ(attacher.kind, openssl::module_class::attacher);
    EXPECT_EQ(attacher.path, ATTACHER_LIBRARY);
    EXPECT_THAT(attacher.names, Contains("X509_set_ex_data"));
    const decisive_module writer = classify(files({WRITER_LIBRARY, ATTACHER_LIBRARY, READER_LIBRARY}));
    EXPECT_EQ(writer.kind, openssl::module_class::writer);
    EXPECT_EQ(writer.path, WRITER_LIBRARY);
    EXPECT_THAT(writer.names, Contains("X509_set_subject_name"));
}

} // namespace
} // namespace ibid::cli
