# SPDX-License-Identifier: Apache-2.0
#
# ibid::gc: the core and Boehm's collector (Debian: libgc-dev), for include/ibid/gc.h. Not there when the
# collector is not. Read by the build, and by the installed package.
find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
    pkg_check_modules(BDW_GC QUIET IMPORTED_TARGET GLOBAL bdw-gc>=8.0)
endif()
if(BDW_GC_FOUND AND NOT TARGET ibid::gc)
    add_library(ibid::gc INTERFACE IMPORTED GLOBAL) # also for who takes ibid in with add_subdirectory
    target_link_libraries(ibid::gc INTERFACE ibid::ibid PkgConfig::BDW_GC)
    target_compile_definitions(ibid::gc INTERFACE GC_THREADS)
endif()
