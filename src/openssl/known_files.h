// SPDX-License-Identifier: Apache-2.0
//
// Which parsed file was last found behind which file of the system: a guess that spares an unchanged file from being
// read into memory and hashed.
//
// Law: nothing follows from a guess. Whoever gets one compares all of the file's bytes with those of the guess, and a
// guess keeps nothing alive.
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
    [[nodiscard]] handle<Value> guess(const regular_file& file, const Mode& mode) noexcept {
        // Asked outside of the lock: that may wait for locks that a fork holds while it waits for ours.
        weak<Value> found;
        {
            const std::lock_guard lock(mutex_);
            const place& p = place_of(file.which(), mode);
            if (p.which == file.which() && p.mode == mode) {
                found = p.value;
            }
        }
        return found.lock();
    }

    void remember(const regular_file& file, const Mode& mode, const handle<Value>& value) noexcept {
        weak<Value> w(value); // swapped with the old one, which goes outside of the lock
        const std::lock_guard lock(mutex_);
        place& p = place_of(file.which(), mode);
        p.which = file.which();
        p.mode = mode;
        std::swap(p.value, w);
    }

    void lock_for_fork() noexcept { mutex_.lock(); }
    void unlock_after_fork() noexcept { mutex_.unlock(); }

private:
    struct place {
        regular_file::identity which;
        Mode mode{};
        weak<Value> value;
    };

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
