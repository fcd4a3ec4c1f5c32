// SPDX-License-Identifier: Apache-2.0
//
// Used by the examples of docs/library: headers, and a minimal framework for coroutines.
#pragma once

#include <charconv>
#include <exception>
#include <mutex>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>
#include <version>

#if defined(__cpp_lib_expected)
#include <expected>
#endif
#if defined(__cpp_impl_coroutine)
#include <coroutine>
#endif

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ibid/atomic_handle.h"
#include "ibid/cache.h"
#include "ibid/errors.h"
#include "ibid/handle.h"
#include "ibid/intern.h"
#include "ibid/modules.h"
#include "ibid/statistics.h"
#include "ibid/weak.h"

#if defined(__cpp_impl_coroutine)
namespace {

// Starts when it is awaited; at its end it resumes the awaiting coroutine.
template <class T>
class [[nodiscard]] task {
public:
    struct promise_type {
        std::optional<T> value;
        std::exception_ptr error;
        std::coroutine_handle<> awaiting = std::noop_coroutine();

        task get_return_object() { return task(std::coroutine_handle<promise_type>::from_promise(*this)); }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        auto final_suspend() const noexcept {
            struct to_awaiting {
                bool await_ready() const noexcept { return false; }
                std::coroutine_handle<>
                await_suspend(std::coroutine_handle<promise_type> ended) const noexcept {
                    return ended.promise().awaiting;
                }
                void await_resume() const noexcept {}
            };
            return to_awaiting{};
        }
        void return_value(T result) { value.emplace(std::move(result)); }
        void unhandled_exception() { error = std::current_exception(); }
    };

    task(task&& other) noexcept : running_(std::exchange(other.running_, nullptr)) {}
    task& operator=(task&&) = delete;
    ~task() {
        if (running_) {
            running_.destroy();
        }
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> who) const noexcept {
        running_.promise().awaiting = who;
        return running_;
    }
    T await_resume() const {
        if (running_.promise().error) {
            std::rethrow_exception(running_.promise().error);
        }
        return *std::move(running_.promise().value);
    }

private:
    explicit task(std::coroutine_handle<promise_type> running) noexcept : running_(running) {}

    std::coroutine_handle<promise_type> running_;
};

// One thread that runs posted work, in order.
class event_loop {
public:
    auto later() {
        struct awaiter {
            event_loop& loop;
            bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<> who) const { loop.ready_.push_back(who); }
            void await_resume() const noexcept {}
        };
        return awaiter{*this};
    }
    void spawn(task<int> t, int& failed) { detach(std::move(t), failed); }
    void run() {
        while (!ready_.empty()) {
            const std::coroutine_handle<> next = ready_.front();
            ready_.erase(ready_.begin());
            next.resume();
        }
    }

private:
    struct detached {
        struct promise_type {
            detached get_return_object() const noexcept { return {}; }
            std::suspend_never initial_suspend() const noexcept { return {}; }
            std::suspend_never final_suspend() const noexcept { return {}; }
            void return_void() const noexcept {}
            void unhandled_exception() const noexcept { std::terminate(); }
        };
    };
    static detached detach(task<int> t, int& failed) {
        try {
            co_await t;
        } catch (const std::exception&) {
            ++failed;
        }
    }

    std::vector<std::coroutine_handle<>> ready_;
};

} // namespace
#endif
