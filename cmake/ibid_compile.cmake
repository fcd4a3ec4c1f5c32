# SPDX-License-Identifier: Apache-2.0
#
# How everything here is compiled: warnings, sanitizers, and how a component is added. A project that takes
# ibid in with add_subdirectory keeps its own flags.
if(PROJECT_IS_TOP_LEVEL)
    add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion)
    if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
        add_compile_options(-Wthread-safety) # include/ibid/detail/base/mutex.h
    endif()
    if(IBID_WARNINGS_AS_ERRORS)
        add_compile_options(-Werror)
    endif()
    if(IBID_SANITIZE)
        add_compile_options(-fsanitize=${IBID_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
        add_link_options(-fsanitize=${IBID_SANITIZE})
    endif()
endif()

# Adds the component at `path` once, if it is there and wanted (IBID_COMPONENTS).
function(ibid_add_component path)
    get_property(added GLOBAL PROPERTY IBID_COMPONENTS)
    if(path IN_LIST added OR NOT EXISTS ${PROJECT_SOURCE_DIR}/${path}/CMakeLists.txt)
        return()
    endif()
    if(IBID_COMPONENTS)
        string(REPLACE ";" "|" wanted "${IBID_COMPONENTS}")
        if(NOT path MATCHES "^(${wanted})$")
            return()
        endif()
    endif()
    set_property(GLOBAL APPEND PROPERTY IBID_COMPONENTS ${path})
    add_subdirectory(${PROJECT_SOURCE_DIR}/${path} ${PROJECT_BINARY_DIR}/${path})
    get_property(targets DIRECTORY ${PROJECT_SOURCE_DIR}/${path} PROPERTY BUILDSYSTEM_TARGETS)
    if(path MATCHES "^src/")
        add_dependencies(ibid_product ${targets})
    elseif(path MATCHES "^testbed/")
        add_dependencies(ibid_testbed ${targets})
    endif()
endfunction()

# Adds every component right below `path`. CONFIGURE_DEPENDS: a component that appears is found by the next
# build.
function(ibid_add_components_in path)
    file(GLOB found CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/${path}/*/CMakeLists.txt)
    foreach(file IN LISTS found)
        get_filename_component(component ${file} DIRECTORY)
        ibid_add_component(${component})
    endforeach()
endfunction()
