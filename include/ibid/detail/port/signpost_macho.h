// SPDX-License-Identifier: Apache-2.0
//
// Signposts of Mach-O modules (signpost.h): macOS. Compiled here, never run: see docs/platforms.md.
//
// An image with thread-local variables is never unloaded, and every module that uses ibid has some. So a
// module that was found stays loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <dlfcn.h>

#include "ibid/detail/port/module.h"

// As <mach-o/dyld.h> and <mach-o/getsect.h> declare them. Those would bring global names such as `section`.
struct mach_header;
struct mach_header_64;
extern "C" {
std::uint32_t _dyld_image_count(void);
const struct mach_header* _dyld_get_image_header(std::uint32_t number);
const char* _dyld_get_image_name(std::uint32_t number);
std::uint8_t* getsectiondata(const struct mach_header_64* image, const char* segment, const char* section,
                             unsigned long* size);
}

namespace ibid {
inline namespace layout_1 {
namespace detail {

IBID_MODULE_LOCAL
[[gnu::used, gnu::section("__DATA,__ibid_signpost")]] inline constinit process::signpost this_module_signpost{
    {process::magic_first, process::magic_second}, &this_module_root, IBID_LAYOUT};

// A module, valid during the callback of for_each_signpost().
class loaded_module {
public:
    explicit loaded_module(std::uint32_t number) noexcept : number_(number) {}

    // As the dynamic linker knows it. Throws bad_alloc.
    [[nodiscard]] std::string path() const {
        const char* const name = _dyld_get_image_name(number_);
        return name != nullptr ? name : "";
    }
    // What a signpost points to is valid: images are relocated before dyld reports them.
    [[nodiscard]] static bool holds(std::uintptr_t address, std::size_t) noexcept { return address != 0; }

private:
    std::uint32_t number_;
};

// Calls f(const loaded_module&, const signpost&) for the signpost of each module, in the order in which they
// were loaded, until it returns true.
template <class Function>
IBID_MODULE_LOCAL void for_each_signpost(Function f) noexcept {
    for (std::uint32_t number = 0; number < _dyld_image_count(); ++number) {
        const auto* const header = reinterpret_cast<const mach_header_64*>(_dyld_get_image_header(number));
        unsigned long size = 0;
        const unsigned char* const section =
            header != nullptr ? getsectiondata(header, "__DATA", "__ibid_signpost", &size) : nullptr;
        const loaded_module module(number);
        if (section != nullptr && for_each_signpost_in(section, size, [&](const process::signpost& found) {
                return bool{f(module, found)};
            })) {
            return;
        }
    }
}

[[gnu::noinline]] IBID_MODULE_LOCAL inline void keep_this_module() noexcept {
    Dl_info here{};
    if (dladdr(&this_module_root, &here) != 0) {
        (void)dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
