# SPDX-License-Identifier: Apache-2.0
#
# What `cmake --install` installs besides the libraries and the command (see their components): headers, the
# CMake package, pkg-config files. The core and the OpenSSL layer are exported separately, so that the core
# can be used without OpenSSL.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ibid)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.cppm")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Debuggers. GDB loads what stands here by itself, if the prefix is its own.
install(FILES ${PROJECT_SOURCE_DIR}/share/gdb/ibid.py DESTINATION ${CMAKE_INSTALL_DATADIR}/gdb/python/gdb/printer)
install(FILES ${PROJECT_SOURCE_DIR}/share/natvis/ibid.natvis DESTINATION ${CMAKE_INSTALL_DATADIR}/ibid)

install(TARGETS ibid EXPORT ibid_core_targets)
install(EXPORT ibid_core_targets NAMESPACE ibid:: DESTINATION ${package_dir})
if(TARGET ibid_openssl)
    install(EXPORT ibid_targets NAMESPACE ibid:: FILE ibid_openssl_targets.cmake DESTINATION ${package_dir})
endif()
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/ibidConfig.cmake.in ${PROJECT_BINARY_DIR}/package/ibidConfig.cmake
    INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/ibidConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    ${PROJECT_BINARY_DIR}/package/ibidConfig.cmake
    ${PROJECT_BINARY_DIR}/package/ibidConfigVersion.cmake
    ${PROJECT_SOURCE_DIR}/cmake/Findxxhash_headers.cmake
    ${PROJECT_SOURCE_DIR}/cmake/ibid_gc.cmake
    DESTINATION ${package_dir})

# pkg-config finds its own prefix from where the file is, so that an installed tree can be moved.
file(RELATIVE_PATH pc_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
if(XXHASH_INCLUDE_DIR IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    set(pc_xxhash "")
else()
    set(pc_xxhash " -I${XXHASH_INCLUDE_DIR}")
endif()
configure_file(${PROJECT_SOURCE_DIR}/packaging/ibid.pc.in ${PROJECT_BINARY_DIR}/package/ibid.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/ibid.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
configure_file(${PROJECT_SOURCE_DIR}/packaging/ibid-gc.pc.in ${PROJECT_BINARY_DIR}/package/ibid-gc.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/ibid-gc.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(TARGET ibid_compiled)
    configure_file(${PROJECT_SOURCE_DIR}/packaging/ibid-compiled.pc.in ${PROJECT_BINARY_DIR}/package/ibid-compiled.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/package/ibid-compiled.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
if(TARGET ibid_openssl)
    configure_file(${PROJECT_SOURCE_DIR}/packaging/ibid-openssl.pc.in ${PROJECT_BINARY_DIR}/package/ibid-openssl.pc @ONLY)
    configure_file(${PROJECT_SOURCE_DIR}/packaging/ibid-openssl-interpose.pc.in
        ${PROJECT_BINARY_DIR}/package/ibid-openssl-interpose.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/package/ibid-openssl.pc ${PROJECT_BINARY_DIR}/package/ibid-openssl-interpose.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

# For whoever runs the exporter: a unit, which nobody enables, and what Prometheus and Grafana read.
set(IBID_SYSTEMD_DIR lib/systemd/system CACHE STRING "Where units of systemd are installed, below the prefix")
if(TARGET ibid_cli)
    configure_file(${PROJECT_SOURCE_DIR}/packaging/systemd/ibid-exporter.service.in
        ${PROJECT_BINARY_DIR}/package/ibid-exporter.service @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/package/ibid-exporter.service DESTINATION ${IBID_SYSTEMD_DIR})
    install(FILES ${PROJECT_SOURCE_DIR}/packaging/prometheus/ibid.rules.yml DESTINATION ${CMAKE_INSTALL_DATADIR}/ibid/prometheus)
    install(FILES ${PROJECT_SOURCE_DIR}/packaging/grafana/ibid.json DESTINATION ${CMAKE_INSTALL_DATADIR}/ibid/grafana)
endif()
