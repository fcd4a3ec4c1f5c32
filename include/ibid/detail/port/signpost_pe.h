// SPDX-License-Identifier: Apache-2.0
//
// Signposts of PE modules (signpost.h): Windows. Tested only with Clang for MinGW under Wine: see
// docs/platforms.md.
//
// A reference to each module is held while it is read, because another thread may unload it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "ibid/detail/port/module.h"
#include "ibid/detail/port/windows.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

[[gnu::used, gnu::section(".ibid")]] inline constinit process::signpost this_module_signpost{
    {process::magic_first, process::magic_second}, &this_module_root, IBID_LAYOUT};

// A module, valid during the callback of for_each_signpost().
class loaded_module {
public:
    // Not valid if the module has been unloaded.
    explicit loaded_module(HINSTANCE__* base) noexcept {
        constexpr unsigned long from_address = 4;
        if (::GetModuleHandleExA(from_address, reinterpret_cast<const char*>(base), &held_) == 0) {
            held_ = nullptr;
        }
    }
    loaded_module(const loaded_module&) = delete;
    loaded_module& operator=(const loaded_module&) = delete;
    ~loaded_module() {
        if (held_ != nullptr) {
            ::FreeLibrary(held_);
        }
    }
    [[nodiscard]] bool valid() const noexcept { return held_ != nullptr; }

    // In the code page of the process. Throws bad_alloc.
    [[nodiscard]] std::string path() const {
        std::string name(1024, '\0');
        name.resize(::GetModuleFileNameA(held_, name.data(), static_cast<unsigned long>(name.size())));
        return name;
    }
    // Windows relocates a module before it reports the module.
    [[nodiscard]] bool holds(std::uintptr_t address, std::size_t size) const noexcept {
        const std::uintptr_t offset = address - reinterpret_cast<std::uintptr_t>(held_);
        const std::uint32_t image = number(headers() + 80); // SizeOfImage
        return offset < image && image - offset >= size;
    }

    // Calls f(signpost) for each signpost until it returns true.
    template <class Function>
    [[nodiscard]] bool for_each(Function f) const noexcept {
        const unsigned char* const from = headers();
        const unsigned char* section = from + 24 + (number(from + 20) & 0xffff); // after the optional header
        const std::uint32_t sections = number(from + 4) >> 16;
        for (std::uint32_t i = 0; i < sections; ++i, section += 40) {
            if (std::memcmp(section, ".ibid\0\0", 8) != 0) {
                continue;
            }
            const unsigned char* const begin =
                reinterpret_cast<const unsigned char*>(held_) + number(section + 12);
            if (for_each_signpost_in(begin, number(section + 8), f)) {
                return true;
            }
        }
        return false;
    }

private:
    [[nodiscard]] static std::uint32_t number(const unsigned char* at) noexcept {
        std::uint32_t n = 0;
        std::memcpy(&n, at, sizeof n);
        return n;
    }
    // "PE\0\0", the file header (20 bytes), the optional header.
    [[nodiscard]] const unsigned char* headers() const noexcept {
        const auto* const base = reinterpret_cast<const unsigned char*>(held_);
        return base + number(base + 60);
    }

    HINSTANCE__* held_ = nullptr;
};

// Calls f(const loaded_module&, const signpost&) for the signpost of each module, in the order in which they
// were loaded, until it returns true. Looks at the first 1024 modules.
template <class Function>
void for_each_signpost(Function f) noexcept {
    std::array<HINSTANCE__*, 1024> modules{};
    unsigned long bytes = 0;
    if (::K32EnumProcessModules(::GetCurrentProcess(), modules.data(), sizeof modules, &bytes) == 0) {
        return;
    }
    for (std::size_t i = 0; i < modules.size() && i < bytes / sizeof(HINSTANCE__*); ++i) {
        const loaded_module module(modules[i]);
        if (module.valid() &&
            module.for_each([&](const process::signpost& found) { return f(module, found); })) {
            return;
        }
    }
}

[[gnu::noinline]] inline void keep_this_module() noexcept {
    constexpr unsigned long pin = 1;
    constexpr unsigned long from_address = 4;
    HINSTANCE__* here = nullptr;
    (void)::GetModuleHandleExA(pin | from_address, reinterpret_cast<const char*>(&this_module_root), &here);
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
