# SPDX-License-Identifier: Apache-2.0
#
# Shared by the fuzzers and the unit tests that replay their corpus: the scenes, and the program that plays
# them on stock OpenSSL. That program is built without sanitizers, because it is not under test; this makes it
# faster.
#
# Two sets of scenes: for a program that reads, and for one that writes. ibid treats these differently.
set(openssl_scenes decoding.cpp handshake.cpp outcome.cpp session.cpp trust_file.cpp)
list(TRANSFORM openssl_scenes PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
set(openssl_scenes_writers ${openssl_scenes} ${CMAKE_CURRENT_LIST_DIR}/writing.cpp)
if(NOT TARGET openssl_stock_twin)
    add_executable(openssl_stock_twin ${CMAKE_CURRENT_LIST_DIR}/stock.cpp ${openssl_scenes_writers})
    target_include_directories(openssl_stock_twin PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(openssl_stock_twin PRIVATE OpenSSL::SSL OpenSSL::Crypto)
    if(IBID_SANITIZE)
        target_compile_options(openssl_stock_twin PRIVATE -fno-sanitize=all -O2)
        target_link_options(openssl_stock_twin PRIVATE -fno-sanitize=all)
    endif()
endif()
