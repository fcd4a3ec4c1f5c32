// SPDX-License-Identifier: Apache-2.0
//
// What exists once in a process, no matter how many modules use ibid, how they were linked or opened, and by which
// compilers they were made. Decision 21 says why it is done this way.
//
//     struct numbers { static constexpr const char* process_name = "numbers"; std::atomic<int> next{0}; };
//     numbers* n = process_wide<numbers>::get();     // in each module the same; null without memory
//
// How modules find each other. Each module has a signpost in the initial image of its thread-local storage: a magic
// number, and the address of that module's pointer to the root. The dynamic linker tells the image's place and size of
// every module (dl_iterate_phdr), so no symbol is looked up, and no file, environment variable or system call is
// needed. The root is a list of named objects.
//
// Invariants:
//  - The layouts of signpost, process_root and process_object never change: modules with other versions of ibid read
//    them. Names carry the layout (`layout_1`), so versions share the list and nothing in it.
//  - Objects are never destroyed, and their memory is not part of any module. An object that holds addresses of code
//    needs module_stays().
//  - No lock: a root or an object that came second is thrown away. So fork() finds nothing half done.
//
// Thread safety: any thread. dl_iterate_phdr() takes the dynamic linker's lock, as every C++ exception may; it is
// called once for each module, when that module first uses an object.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include <dlfcn.h>
#include <link.h>

#include "ibid/detail/base/module.h"

namespace ibid {
namespace process { // not in layout_1: all versions share this

// One named object of the process.
struct process_object {
    process_object* next;
    const char* name; // with what the modules must agree in
    void* object;
};

struct process_root {
    std::atomic<process_object*> first{nullptr};
};

struct alignas(16) signpost {
    std::uint64_t magic[2];
    std::atomic<process_root*>* root; // the module's pointer; null before the module has used the root
    const char* layout;               // of the module's ibid: IBID_LAYOUT
};
static_assert(sizeof(signpost) == 32);

inline constexpr std::uint64_t magic_first = 0x9c5f'1e07'd3a8'426b;
inline constexpr std::uint64_t magic_second = 0x64b1'f29e'0d75'c83a;

} // namespace process

inline namespace layout_1 {
namespace detail {

IBID_MODULE_LOCAL inline constinit std::atomic<process::process_root*> this_module_root{nullptr};
IBID_MODULE_LOCAL inline thread_local constinit process::signpost this_module_signpost{
    {process::magic_first, process::magic_second}, &this_module_root, IBID_LAYOUT};

// Calls f(const dl_phdr_info&, const signpost&) for the signpost of each module, in the order in which they were loaded,
// until it returns true.
template <class Function>
IBID_MODULE_LOCAL void for_each_signpost(Function f) noexcept {
    // The compiler must not drop the variable that others look for.
    const volatile std::uint64_t* const used = this_module_signpost.magic;
    (void)*used;
    dl_iterate_phdr(
        [](struct dl_phdr_info* module, std::size_t, void* data) {
            const auto* const headers = module->dlpi_phdr;
            const auto inside = [&](std::uintptr_t address, std::size_t size) {
                for (int i = 0; i < module->dlpi_phnum; ++i) {
                    const std::uintptr_t begin = module->dlpi_addr + headers[i].p_vaddr;
                    if (headers[i].p_type == PT_LOAD && (headers[i].p_flags & PF_R) != 0 &&
                        address >= begin && address - begin <= headers[i].p_memsz &&
                        headers[i].p_memsz - (address - begin) >= size) {
                        return true;
                    }
                }
                return false;
            };
            for (int i = 0; i < module->dlpi_phnum; ++i) {
                const std::uintptr_t image = module->dlpi_addr + headers[i].p_vaddr;
                if (headers[i].p_type != PT_TLS || !inside(image, headers[i].p_filesz)) {
                    continue;
                }
                constexpr std::size_t size = sizeof(process::signpost);
                std::size_t at = (0 - image) % alignof(process::signpost);
                for (; at + size <= headers[i].p_filesz; at += alignof(process::signpost)) {
                    process::signpost found;
                    std::memcpy(static_cast<void*>(&found), reinterpret_cast<const void*>(image + at), size);
                    // A module that is being loaded on another thread is not relocated yet: its pointer points
                    // nowhere, and it has used nothing.
                    if (found.magic[0] == process::magic_first && found.magic[1] == process::magic_second &&
                        inside(reinterpret_cast<std::uintptr_t>(found.root), sizeof *found.root) &&
                        (*static_cast<Function*>(data))(*module, found)) {
                        return 1;
                    }
                }
            }
            return 0;
        },
        static_cast<void*>(&f));
}

// The root: one that any module has, else a new one. Null without memory.
[[nodiscard, gnu::noinline]] IBID_MODULE_LOCAL inline process::process_root* find_process_root() noexcept {
    void* const memory = std::malloc(sizeof(process::process_root));
    process::process_root* const fresh = memory != nullptr ? ::new (memory) process::process_root : nullptr;
    process::process_root* root = nullptr;
    // Acquire and release: the root's list is initialized before it is seen.
    const auto publish = [&root, fresh](std::atomic<process::process_root*>& at) noexcept {
        process::process_root* const wanted = root != nullptr ? root : fresh;
        root = nullptr;
        root = at.compare_exchange_strong(root, wanted, std::memory_order_acq_rel, std::memory_order_acquire)
                   ? wanted
                   : root;
    };
    // Inside the first call the dynamic linker's lock is held, so that no module goes between the search and the
    // publication. A linker that lets two threads in at once (musl) never unloads: they meet at the module that was
    // loaded first.
    bool found_none = true;
    for_each_signpost([&](const struct dl_phdr_info&, const process::signpost& first) {
        found_none = false;
        for_each_signpost([&root](const struct dl_phdr_info&, const process::signpost& s) {
            root = s.root->load(std::memory_order_acquire);
            return root != nullptr;
        });
        publish(*first.root);
        publish(this_module_root);
        return true;
    });
    if (found_none) { // emulated thread-local storage: each module is alone
        publish(this_module_root);
    }
    if (root != fresh) {
        std::free(memory);
    }
    return root;
}

[[nodiscard]] IBID_MODULE_LOCAL inline process::process_root* root_of_process() noexcept {
    process::process_root* const root = this_module_root.load(std::memory_order_acquire);
    return root != nullptr ? root : find_process_root();
}

// The object of the process that has this name; the first to ask makes it, with `make`, which returns null without
// memory. What comes second is given to `drop`. Null without memory.
[[nodiscard, gnu::noinline]] IBID_MODULE_LOCAL inline void*
find_process_object(const char* name, void* (*make)(), void (*drop)(void*) noexcept) {
    process::process_root* const root = root_of_process();
    if (root == nullptr) {
        return nullptr;
    }
    const auto find = [name](process::process_object* from, const process::process_object* end) -> void* {
        for (; from != end; from = from->next) {
            if (std::strcmp(from->name, name) == 0) {
                return from->object;
            }
        }
        return nullptr;
    };
    process::process_object* seen = root->first.load(std::memory_order_acquire);
    if (void* const found = find(seen, nullptr)) {
        return found;
    }
    struct undo { // `make` may throw, too
        void (*drop)(void*) noexcept;
        void* object = nullptr;
        void* node = std::malloc(sizeof(process::process_object));
        ~undo() {
            std::free(node);
            if (object != nullptr) {
                drop(object);
            }
        }
    } fresh{drop};
    char* const copy = fresh.node != nullptr ? ::strdup(name) : nullptr; // the module may go
    if (copy == nullptr || (fresh.object = make()) == nullptr) {
        std::free(copy);
        return nullptr;
    }
    auto* const node = ::new (fresh.node) process::process_object{seen, copy, fresh.object};
    while (!root->first.compare_exchange_weak(node->next, node, std::memory_order_acq_rel,
                                              std::memory_order_acquire)) {
        if (void* const found = find(node->next, seen)) {
            std::free(copy);
            return found;
        }
        seen = node->next;
    }
    fresh.node = nullptr;
    return std::exchange(fresh.object, nullptr);
}

// T: a `process_name` that names T and all that modules must agree in, and a constructor without arguments.
template <class T>
class process_wide {
public:
    // Null without memory. Throws what T's constructor throws.
    [[nodiscard]] IBID_MODULE_LOCAL static T* get() {
        T* const known = known_.load(std::memory_order_acquire);
        return known != nullptr ? known : find();
    }

private:
    [[gnu::noinline]] IBID_MODULE_LOCAL static T* find() {
        void* const found = find_process_object(
            T::process_name(),
            []() -> void* {
                struct raw {
                    void* memory = std::aligned_alloc(alignof(T),
                                                      (sizeof(T) + alignof(T) - 1) / alignof(T) * alignof(T));
                    ~raw() { std::free(memory); }
                } from;
                if (from.memory == nullptr) {
                    return nullptr;
                }
                T* const made = ::new (from.memory) T();
                from.memory = nullptr;
                return made;
            },
            [](void* object) noexcept {
                static_cast<T*>(object)->~T();
                std::free(object);
            });
        known_.store(static_cast<T*>(found), std::memory_order_release);
        return static_cast<T*>(found);
    }

    IBID_MODULE_LOCAL static inline constinit std::atomic<T*> known_{nullptr};
};

// From now on dlclose() leaves this module where it is: for one that gives addresses of its code to an object of the
// process. By weak references, so that programs need no libdl and static ones no dynamic linker.
[[gnu::weakref("dlopen")]] static void* dlopen_if_there(const char*, int);
[[gnu::weakref("dladdr")]] static int dladdr_if_there(const void*, Dl_info*);
IBID_MODULE_LOCAL inline constinit std::atomic<bool> this_module_is_kept{false};
[[gnu::noinline]] IBID_MODULE_LOCAL inline void keep_this_module() noexcept {
    this_module_is_kept.store(true, std::memory_order_relaxed);
    Dl_info here{};
    if (dlopen_if_there != nullptr && dladdr_if_there != nullptr &&
        dladdr_if_there(&this_module_root, &here) != 0) {
        (void)dlopen_if_there(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    }
}
IBID_MODULE_LOCAL inline void this_module_stays() noexcept {
    if (!this_module_is_kept.load(std::memory_order_relaxed)) {
        keep_this_module();
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
