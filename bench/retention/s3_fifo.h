// SPDX-License-Identifier: Apache-2.0
//
// Yang, Zhang, Qiu, Yue, Rashmi: FIFO queues are all you need for cache eviction (SOSP 2023).
//
// New keys enter a small queue of a tenth of the capacity; at its end, keys with at least two hits go on to
// the main queue, the others leave their number in the ghost queue. A key that returns while its ghost is
// there enters the main queue directly. In the main queue, the oldest key with hits enters again, with one
// hit less (at most three are counted). The ghosts are additional: nine tenths of the capacity, so this
// policy stores 0.9 remembered keys for each kept key, which the others do not. The row without ghosts shows
// the effect of the ghosts.
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
        // Checked before room is made, because that may remove this ghost.
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
    // It may move all of the small queue to the main queue; then the main queue is too long, and is next.
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
