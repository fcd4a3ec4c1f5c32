// SPDX-License-Identifier: Apache-2.0
//
// Yang, Zhang, Qiu, Yue, Rashmi: FIFO queues are all you need for cache eviction (SOSP 2023).
//
// New keys enter a small queue of a tenth of the capacity; those with at least two hits by its end go on to
// the main one, the others leave their number with the ghosts. Whoever comes back while its ghost is there
// enters the main queue at once. The main queue takes the oldest with hits in again, one hit fewer (at most
// three are counted). The ghosts, nine tenths of the capacity, come on top of it: 0.9 remembered keys for
// each kept one is what this policy costs more than the others. Without ghosts it keeps as little as they do;
// that row says what the ghosts are worth.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "policies.h"

namespace bench_retention {

template <bool Ghosts>
class s3_fifo {
public:
    s3_fifo(std::size_t capacity, std::size_t keys)
        : capacity_(capacity), main_capacity_(capacity - capacity / 10),
          ghosts_capacity_(Ghosts ? capacity * 9 / 10 : 0), small_(keys), main_(keys), ghosts_(keys),
          hits_(keys) {}

    bool access(request r) {
        if (small_.has(r.key) || main_.has(r.key)) {
            hits_[r.key] = static_cast<std::uint8_t>(std::min(hits_[r.key] + 1, 3));
            return true;
        }
        // Asked before room is made: making room may push this very ghost out.
        const bool was_here = ghosts_.has(r.key);
        if (was_here) {
            ghosts_.remove(r.key);
        }
        while (small_.size() + main_.size() >= capacity_) {
            if (main_.size() > main_capacity_ || small_.size() == 0) {
                evict_from_main();
            } else {
                evict_from_small();
            }
        }
        hits_[r.key] = 0;
        (was_here ? main_ : small_).add(r.key);
        return false;
    }

private:
    // Or moves all of the small queue up; then the main queue is too long, and is next.
    void evict_from_small() {
        while (small_.size() > 0) {
            const std::uint32_t key = small_.oldest();
            small_.remove(key);
            if (hits_[key] < 2) {
                ghosts_.add(key);
                if (ghosts_.size() > ghosts_capacity_) {
                    ghosts_.remove(ghosts_.oldest());
                }
                return;
            }
            hits_[key] = 0;
            main_.add(key);
        }
    }
    void evict_from_main() {
        while (hits_[main_.oldest()] > 0) {
            --hits_[main_.oldest()];
            main_.renew(main_.oldest());
        }
        main_.remove(main_.oldest());
    }

    std::size_t capacity_;
    std::size_t main_capacity_;
    std::size_t ghosts_capacity_;
    queue small_;
    queue main_;
    queue ghosts_;
    std::vector<std::uint8_t> hits_;
};

} // namespace bench_retention
