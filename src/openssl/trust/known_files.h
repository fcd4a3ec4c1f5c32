// SPDX-License-Identifier: Apache-2.0
//
// What is known about each file of the system: a guess which parsed file it is, so that an unchanged file is
// neither read into memory nor hashed; or a note that OpenSSL must load it, so that ibid does not try to
// parse it again.
//
// Laws:
//  - A guess proves nothing and keeps nothing alive. The caller compares all of the file's bytes with those
//    of the guess.
//  - A refusal holds while the file's size and time stamps stay. If those are wrong, OpenSSL loads a file
//    that could have been shared, as in stock.
//  - Under the lock, only references are counted; nothing else is called.
//  - Functions that need much stack are noinline: OpenSSL parses on the caller's stack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "ibid/detail/base/mutex.h"
#include "ibid/handle.h"
#include "ibid/weak.h"
#include "regular_file.h"

namespace ibid::openssl {

// Value: the parsed file. Mode: how it is read; the same file may be read in several ways.
template <class Value, class Mode>
class known_files {
public:
    [[nodiscard, gnu::noinline]] handle<Value> guess(const regular_file& file, const Mode& mode) noexcept {
        // Called outside of the lock: this may be the last handle by then, and its end takes locks.
        weak<Value> found;
        {
            const detail::lock_guard lock(mutex_);
            const place& p = place_of(file.which(), mode);
            if (p.is_of(file, mode)) {
                found = p.value;
            }
        }
        return found.lock();
    }

    [[gnu::noinline]] void remember(const regular_file& file, const Mode& mode,
                                    const handle<Value>& value) noexcept {
        put({file.which(), mode, weak<Value>(value), {}});
    }

    [[nodiscard]] bool is_refused(const regular_file& file, const Mode& mode) noexcept {
        const detail::lock_guard lock(mutex_);
        const place& p = place_of(file.which(), mode);
        return p.is_of(file, mode) && p.refused == file.written();
    }

    [[gnu::noinline]] void refuse(const regular_file& file, const Mode& mode) noexcept {
        put({file.which(), mode, {}, file.written()});
    }

    void lock_for_fork() noexcept IBID_ACQUIRE(mutex_) { mutex_.lock(); }
    void unlock_after_fork() noexcept IBID_RELEASE(mutex_) { mutex_.unlock(); }

private:
    struct place {
        regular_file::identity which;
        Mode mode{};
        weak<Value> value;
        regular_file::stamp refused; // of the file that OpenSSL must load; by default none

        [[nodiscard]] bool is_of(const regular_file& file, const Mode& m) const noexcept {
            return which == file.which() && mode == m;
        }
    };

    // The former content is released outside of the lock.
    void put(place fresh) noexcept {
        const detail::lock_guard lock(mutex_);
        std::swap(place_of(fresh.which, fresh.mode), fresh);
    }

    // One slot for each file: a file that loses its slot is read and hashed again.
    [[nodiscard]] place& place_of(const regular_file::identity& which, const Mode& mode) noexcept
        IBID_REQUIRES(mutex_) {
        return places_[(static_cast<std::size_t>(which.inode) ^ static_cast<std::size_t>(which.device) ^
                        mode.slot()) %
                       slots];
    }

    static constexpr std::size_t slots = 64;
    std::array<place, slots> places_ IBID_GUARDED_BY(mutex_){};
    detail::mutex mutex_;
};

} // namespace ibid::openssl
