# SPDX-License-Identifier: Apache-2.0
#
# A port of the core, for a checkout of ibid: it is built from the tree that this file is in.
#
#     vcpkg install ibid --overlay-ports=<ibid>/packaging/vcpkg
#
# What uses OpenSSL (the preload library, the command) comes as packages of the distribution instead.
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../.." ABSOLUTE)
set(VCPKG_BUILD_TYPE release) # headers

vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        -DIBID_BUILD_TESTS=OFF
        -DIBID_BUILD_EXAMPLES=OFF
        -DIBID_COMPONENTS=none
        -DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/ibid)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/doc" "${CURRENT_PACKAGES_DIR}/debug")

file(INSTALL "${CURRENT_PORT_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
