// SPDX-License-Identifier: Apache-2.0
//
// Instructions that this thread retires in user space. On a busy machine they show a small difference better
// than CPU time, because they vary by only a thousandth from run to run.
#pragma once

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace bench {

class instruction_counter {
public:
    instruction_counter() noexcept {
        perf_event_attr what{};
        what.size = sizeof what;
        what.type = PERF_TYPE_HARDWARE;
        what.config = PERF_COUNT_HW_INSTRUCTIONS;
        what.exclude_kernel = 1;
        what.exclude_hv = 1;
        file_ = static_cast<int>(syscall(SYS_perf_event_open, &what, 0, -1, -1, 0));
    }
    ~instruction_counter() {
        if (file_ >= 0)
            close(file_);
    }
    instruction_counter(const instruction_counter&) = delete;
    instruction_counter& operator=(const instruction_counter&) = delete;

    // Always zero if the machine or its settings do not allow counting.
    [[nodiscard]] std::uint64_t now() const noexcept {
        std::uint64_t count = 0;
        return file_ >= 0 && read(file_, &count, sizeof count) == sizeof count ? count : 0;
    }

private:
    int file_ = -1;
};

} // namespace bench
