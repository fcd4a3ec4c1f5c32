// SPDX-License-Identifier: Apache-2.0
//
// The processor's counters for the calling thread's user code, if the kernel and the machine have them.
//
// Law: a counter that is not available is absent, never zero. On AMD's Zen the generic "cache-misses" are
// loads that missed the second level, on Intel's cores the last one.
#pragma once

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>

namespace bench {

class counters {
public:
    counters() {
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            perf_event_attr attributes{};
            attributes.size = sizeof attributes;
            attributes.type = wanted[i].type;
            attributes.config = wanted[i].config;
            attributes.disabled = 1;
            attributes.exclude_kernel = 1;
            attributes.exclude_hv = 1;
            files_[i] = static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
        }
    }
    counters(const counters&) = delete;
    counters& operator=(const counters&) = delete;
    ~counters() {
        for (const int file : files_) {
            if (file >= 0) {
                close(file);
            }
        }
    }

    void start() noexcept { control(PERF_EVENT_IOC_ENABLE); }

    // The counts since start(), by name.
    [[nodiscard]] std::map<std::string, std::uint64_t> stop() {
        control(PERF_EVENT_IOC_DISABLE);
        std::map<std::string, std::uint64_t> result;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            std::uint64_t count = 0;
            if (files_[i] >= 0 && read(files_[i], &count, sizeof count) == sizeof count) {
                result.emplace(wanted[i].name, count);
            }
        }
        return result;
    }

private:
    struct event {
        const char* name;
        std::uint32_t type;
        std::uint64_t config;
    };
    static constexpr std::uint64_t read_misses = (std::uint64_t{PERF_COUNT_HW_CACHE_OP_READ} << 8) |
                                                 (std::uint64_t{PERF_COUNT_HW_CACHE_RESULT_MISS} << 16);
    // No more than the processor has counters, so that the kernel need not multiplex them.
    static constexpr std::array<event, 4> wanted{{
        {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
        {"l1_misses", PERF_TYPE_HW_CACHE, PERF_COUNT_HW_CACHE_L1D | read_misses},
        {"cache_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
        {"tlb_misses", PERF_TYPE_HW_CACHE, PERF_COUNT_HW_CACHE_DTLB | read_misses},
    }};

    void control(unsigned long request) noexcept {
        for (const int file : files_) {
            if (file >= 0) {
                ioctl(file, request, 0);
            }
        }
    }

    std::array<int, wanted.size()> files_{};
};

} // namespace bench
