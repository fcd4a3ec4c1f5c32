// SPDX-License-Identifier: Apache-2.0
//
// Objects that exist once in a process, no matter how many modules use ibid, how they were linked or opened,
// and which compilers built them. Decision 21 says why it is done this way.
//
//     struct numbers { static constexpr const char* process_name = "numbers"; std::atomic<int> next{0}; };
//     numbers* n = process_wide<numbers>::get();     // in each module the same; null without memory
//
// How modules find each other. Each module has a signpost in a place that the system reports
// (port/signpost.h): a magic number, and the address of that module's pointer to the root. No symbol is
// looked up, and no file, environment variable or system call is needed. The root is a list of named objects.
//
// Invariants:
//  - The layouts of signpost, process_root and process_object never change: modules with other versions of
//    ibid read them. Names carry the layout (`layout_1`), so versions share the list and nothing in it.
//  - Objects are never destroyed, and their memory is not part of any module. An object that holds addresses
//    of code needs this_module_stays().
//  - No lock: if two threads make a root or an object at once, the second is discarded. So fork() never
//    copies a held lock or a half-made object.
//
// Thread safety: any thread. The list of modules is walked once by each module, when that module first uses
// an object.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>
#include <utility>

#include "ibid/detail/port/aligned_memory.h"
#include "ibid/detail/port/compiled.h"
#include "ibid/detail/port/module.h"
#include "ibid/detail/port/signpost.h"

namespace ibid {
namespace process { // not in layout_1: all versions share this

// One named object of the process.
struct process_object {
    process_object* next;
    const char* name; // and all that modules must agree in
    void* object;
};

struct process_root {
    std::atomic<process_object*> first{nullptr};
};

} // namespace process

inline namespace layout_1 {
namespace detail {

// The root: the one that some module already has, else a new one. Null without memory.
[[nodiscard, IBID_SELDOM]] IBID_MODULE_LOCAL IBID_COMPILED process::process_root* find_process_root() noexcept
#if IBID_COMPILES
{
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
    // The first call holds the dynamic linker's lock, so that no module is unloaded between search and
    // publication. On some systems two threads may be here at once: musl and macOS, which never unload a
    // module that uses ibid, and Windows, where the module is held meanwhile. Both threads then publish in
    // the module that was loaded first, so one of them wins.
    bool found_none = true;
    for_each_signpost([&](const loaded_module&, const process::signpost& first) {
        found_none = false;
        for_each_signpost([&root](const loaded_module&, const process::signpost& s) {
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
#else
    ;
#endif

[[nodiscard]] IBID_MODULE_LOCAL inline process::process_root* root_of_process() noexcept {
    process::process_root* const root = this_module_root.load(std::memory_order_acquire);
    return root != nullptr ? root : find_process_root();
}

struct process_type {
    std::string_view name;
    std::size_t alignment;
    std::size_t size; // a multiple of the alignment
    void (*construct)(void* place);
    void (*destroy)(void* object) noexcept;
};

// Null without memory.
[[nodiscard]] inline char* copy_of(std::string_view name) noexcept {
    auto* const memory = static_cast<char*>(std::calloc(name.size() + 1, 1));
    if (memory != nullptr) {
        name.copy(memory, name.size());
    }
    return memory;
}

// The object of the process that has this name; the first to ask makes it. Null without memory.
[[nodiscard, IBID_SELDOM]] IBID_MODULE_LOCAL IBID_COMPILED void* find_process_object(const process_type& type)
#if IBID_COMPILES
{
    process::process_root* const root = root_of_process();
    if (root == nullptr) {
        return nullptr;
    }
    const auto find = [&type](process::process_object* from, const process::process_object* end) -> void* {
        for (; from != end; from = from->next) {
            if (type.name == from->name) {
                return from->object;
            }
        }
        return nullptr;
    };
    process::process_object* seen = root->first.load(std::memory_order_acquire);
    if (void* const found = find(seen, nullptr)) {
        return found;
    }
    struct undo { // for a constructor that throws, and for the second of two objects
        const process_type& type;
        void* memory = allocate_aligned(type.alignment, type.size);
        void* object = nullptr;
        void* node = std::malloc(sizeof(process::process_object));
        char* name = copy_of(type.name); // the module may be unloaded
        ~undo() {
            std::free(name);
            std::free(node);
            if (object != nullptr) {
                type.destroy(object);
            }
            free_aligned(memory);
        }
    } fresh{type};
    if (fresh.memory == nullptr || fresh.node == nullptr || fresh.name == nullptr) {
        return nullptr;
    }
    type.construct(fresh.memory);
    fresh.object = fresh.memory;
    auto* const node = ::new (fresh.node) process::process_object{seen, fresh.name, fresh.object};
    while (!root->first.compare_exchange_weak(node->next, node, std::memory_order_acq_rel,
                                              std::memory_order_acquire)) {
        if (void* const found = find(node->next, seen)) {
            return found;
        }
        seen = node->next;
    }
    fresh.node = nullptr;
    fresh.name = nullptr;
    fresh.memory = nullptr;
    return std::exchange(fresh.object, nullptr);
}
#else
    ;
#endif

// T: a `process_name` that names T and all that modules must agree in, and a constructor without arguments.
template <class T>
class process_wide {
public:
    // Null without memory. Throws what T's constructor throws.
    [[nodiscard]] IBID_MODULE_LOCAL static T* get() {
        T* const known = known_.load(std::memory_order_acquire);
        return known != nullptr ? known : find();
    }

    // Null: not requested yet.
    [[nodiscard]] IBID_MODULE_LOCAL static T* known() noexcept {
        return known_.load(std::memory_order_acquire);
    }

private:
    [[IBID_SELDOM]] IBID_MODULE_LOCAL static T* find() {
        const auto& name = T::process_name();
        void* const found =
            find_process_object({name, alignof(T), (sizeof(T) + alignof(T) - 1) / alignof(T) * alignof(T),
                                 [](void* place) { ::new (place) T(); },
                                 [](void* object) noexcept { static_cast<T*>(object)->~T(); }});
        known_.store(static_cast<T*>(found), std::memory_order_release);
        return static_cast<T*>(found);
    }

    IBID_MODULE_LOCAL static inline constinit std::atomic<T*> known_{nullptr};
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
