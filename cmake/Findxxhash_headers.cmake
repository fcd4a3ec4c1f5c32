# SPDX-License-Identifier: Apache-2.0
#
# xxhash::headers: where xxhash.h is. Distributions ship no CMake package for it. Nothing is linked: ibid uses
# the header alone (XXH_INLINE_ALL), so that a preloaded library brings no libxxhash with it.
find_path(XXHASH_INCLUDE_DIR xxhash.h DOC "Directory of xxhash.h")
if(XXHASH_INCLUDE_DIR AND NOT XXHASH_VERSION)
    file(STRINGS ${XXHASH_INCLUDE_DIR}/xxhash.h lines REGEX "#define XXH_VERSION_(MAJOR|MINOR|RELEASE) ")
    string(REGEX REPLACE "[^;0-9]*([0-9]+)" "\\1" XXHASH_VERSION "${lines}")
    string(REPLACE ";" "." XXHASH_VERSION "${XXHASH_VERSION}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(xxhash_headers REQUIRED_VARS XXHASH_INCLUDE_DIR VERSION_VAR XXHASH_VERSION
    REASON_FAILURE_MESSAGE "Debian and Ubuntu: apt-get install libxxhash-dev")
mark_as_advanced(XXHASH_INCLUDE_DIR)
if(xxhash_headers_FOUND AND NOT TARGET xxhash::headers)
    add_library(xxhash::headers INTERFACE IMPORTED)
    set_target_properties(xxhash::headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${XXHASH_INCLUDE_DIR})
endif()
