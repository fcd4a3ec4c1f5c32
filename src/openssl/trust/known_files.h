// SPDX-License-Identifier: Apache-2.0
//
// What was last found behind which file of the system: a parsed file, a guess that spares an unchanged file from being read into
// memory and hashed; or one that is left to OpenSSL, which spares it from being read and parsed for nothing.
//
// Laws:
//  - Nothing follows from a guess. Whoever gets one compares all of the file's bytes with those of the guess, and a guess keeps
//    nothing alive.
//  - That a file was refused holds while its size and its time stamps stay. Where those lie, OpenSSL loads a file that could have
//    been shared, as in stock.
//  - No call leaves this file under the lock, but to count references.
//  - What takes stack takes it in a frame of its own (noinline): OpenSSL parses on the stack of who calls here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include "ibid/handle.h"
#include "ibid/weak.h"
#include "regular_file.h"

namespace ibid::openssl {

// Value: the parsed file. Mode: as what it is read; the same file may be read in several ways.
template <class Value, class Mode>
class known_files {
public:
    [[nodiscard, gnu::noinline]] handle<Value> guess(const regular_file& file, const Mode& mode) noexcept {
        // Asked outside of the lock: it may be the last handle by then, and its end takes locks.
        weak<Value> found;
        {
            const std::lock_guard lock(mutex_);
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
        const std::lock_guard lock(mutex_);
        const place& p = place_of(file.which(), mode);
        return p.is_of(file, mode) && p.refused == file.written();
    }

    [[gnu::noinline]] void refuse(const regular_file& file, const Mode& mode) noexcept {
        put({file.which(), mode, {}, file.written()});
    }

    void lock_for_fork() noexcept { mutex_.lock(); }
    void unlock_after_fork() noexcept { mutex_.unlock(); }

private:
    struct place {
        regular_file::identity which;
        Mode mode{};
        weak<Value> value;
        regular_file::stamp refused; // of the file that OpenSSL is to load; by default, of none

        [[nodiscard]] bool is_of(const regular_file& file, const Mode& m) const noexcept {
            return which == file.which() && mode == m;
        }
    };

    // What was there goes outside of the lock.
    void put(place fresh) noexcept {
        const std::lock_guard lock(mutex_);
        std::swap(place_of(fresh.which, fresh.mode), fresh);
    }

    // One place for each file: who is displaced is read and hashed again.
    [[nodiscard]] place& place_of(const regular_file::identity& which, const Mode& mode) noexcept {
        return places_[(static_cast<std::size_t>(which.inode) ^ static_cast<std::size_t>(which.device) ^
                        mode.slot()) %
                       places_.size()];
    }

    std::array<place, 64> places_{};
    std::mutex mutex_; // protects places_
};

} // namespace ibid::openssl
