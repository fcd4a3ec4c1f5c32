# SPDX-License-Identifier: Apache-2.0
#
# ibid_add_test(name sources... [LIBS targets...] [TIMEOUT seconds])
#
# A GoogleTest (and GoogleMock) program that ctest runs. Its label is its component's: `unit` below
# tests/unit, `stress` below tests/stress. The core is always linked.
find_package(GTest REQUIRED)

function(ibid_add_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LIBS")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 300)
    endif()
    file(RELATIVE_PATH component ${PROJECT_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR})
    string(REGEX REPLACE "/.*" "" label "${component}")
    add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
    target_link_libraries(${name} PRIVATE ibid::ibid ${arg_LIBS} GTest::gmock_main)
    if(label STREQUAL "unit") # compiles in two thirds of the time; the stress tests and the product are optimized
        target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
    endif()
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS "${label}" TIMEOUT ${arg_TIMEOUT})
    # Reports are whole (no leak goes by) and the exit status says so.
    set_property(TEST ${name} PROPERTY ENVIRONMENT
        "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:check_initialization_order=1"
        "UBSAN_OPTIONS=print_stacktrace=1"
        "TSAN_OPTIONS=halt_on_error=0:second_deadlock_stack=1:suppressions=${PROJECT_SOURCE_DIR}/cmake/tsan.supp")
endfunction()

# ibid_add_libraries_test(name OTHER library LIBS targets...)
#
# libraries_test.cpp with a library of its own, other_library.cpp, both with hidden symbols: what passes from
# one to the other.
function(ibid_add_libraries_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "OTHER" "LIBS")
    add_library(${arg_OTHER} SHARED other_library.cpp)
    target_link_libraries(${arg_OTHER} PRIVATE ${arg_LIBS})
    ibid_add_test(${name} libraries_test.cpp LIBS ${arg_OTHER} ${arg_LIBS})
    set_target_properties(${arg_OTHER} ${name} PROPERTIES
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON)
endfunction()
