// SPDX-License-Identifier: Apache-2.0
//
// Configuration snapshots. A server parses its configuration again at each reload; requests that began before
// keep their snapshot. Sections are interned by their text: an unchanged section is the same object in every
// snapshot, is parsed once, and ends with the last snapshot that contains it. To find out what changed,
// compare pointers.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "ibid/cache.h"

namespace {

std::atomic<int> parsed{0};
std::atomic<int> alive{0};

// One "[name]" and its "key = value" lines. It is parsed where it will stay: names and values are views of
// its own text.
class section {
public:
    explicit section(std::string_view text) : text_(text) {
        ++parsed;
        ++alive;
        for (std::string_view rest = text_; !rest.empty();) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
            if (const std::size_t equals = line.find(" = "); equals != std::string_view::npos) {
                values_.emplace(line.substr(0, equals), line.substr(equals + 3));
            }
        }
    }
    section(const section&) = delete;
    section& operator=(const section&) = delete;
    ~section() { --alive; }

    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] std::string_view value(std::string_view key) const {
        const auto found = values_.find(key);
        return found != values_.end() ? found->second : std::string_view();
    }

private:
    std::string text_;
    std::map<std::string_view, std::string_view> values_;
};

// The key is in the value: stored once.
ibid::cache<std::string, section, ibid::key_at<&section::text>> sections;

using snapshot = std::vector<ibid::handle<section>>;

std::shared_ptr<const snapshot> parse(std::string_view text) {
    auto s = std::make_shared<snapshot>();
    while (!text.empty()) {
        const std::string_view one = text.substr(0, text.find("\n[", 1));
        text.remove_prefix(std::min(one.size() + 1, text.size()));
        s->push_back(sections.intern(one, [&] { return section(one); }));
    }
    return s;
}

class configuration {
public:
    [[nodiscard]] std::shared_ptr<const snapshot> now() const {
        const std::lock_guard lock(mutex_);
        return current_;
    }
    // Returns how many sections differ from those before.
    std::size_t reload(std::string_view text) {
        std::shared_ptr<const snapshot> next = parse(text);
        const std::shared_ptr<const snapshot> before = now();
        std::size_t changed = 0;
        for (std::size_t i = 0; i < next->size(); ++i) {
            changed += before == nullptr || i >= before->size() || (*next)[i] != (*before)[i] ? 1 : 0;
        }
        {
            const std::lock_guard lock(mutex_);
            current_ = std::move(next);
        }
        return changed; // `before` ends here, outside the lock, unless a request has it
    }

private:
    mutable std::mutex mutex_; // protects current_
    std::shared_ptr<const snapshot> current_;
};

constexpr int upstreams = 400;

// Like the output of a control plane: the whole state each time. `generation` changes two of the upstreams.
std::string file_of(int generation) {
    std::string text;
    for (int i = 0; i < upstreams; ++i) {
        const int host = i == generation || i == generation + 1 ? 1000 + generation : i;
        text += "[upstream-" + std::to_string(i) + "]\naddress = 10.0." + std::to_string(host / 256) + '.' +
                std::to_string(host % 256) + ":8443\nbalance = least-connections\ntimeout = 2500ms\n";
        text += "health = /healthz every 10s, 3 failures, 2 successes\ntls = verify, names, min 1.2\n";
    }
    return text;
}

std::atomic<int> failures{0};
void expect(bool held, const char* what) {
    if (!held) {
        std::printf("FAILED: %s\n", what);
        ++failures;
    }
}

} // namespace

int main() {
    configuration config;
    std::printf("%-26s %8s %8s %8s\n", "", "changed", "parsed", "alive");
    const auto reload = [&](int generation, const char* what) {
        const int before = parsed;
        const std::size_t changed = config.reload(file_of(generation));
        std::printf("%-26s %8zu %8d %8d\n", what, changed, parsed - before, alive.load());
    };

    reload(0, "start");
    expect(alive == upstreams && parsed == upstreams, "every section is parsed at the start");

    // A long request begins on another thread, and keeps its snapshot until it ends.
    std::atomic<bool> begun{false};
    std::atomic<bool> finish{false};
    std::thread request([&, s = config.now()]() mutable {
        begun = true;
        begun.notify_one();
        finish.wait(false);
        expect((*s)[0]->value("address") == "10.0.3.232:8443", "a request sees the snapshot it began with");
        s.reset(); // the request ends, and with it, on this thread, the sections that only it had
    });
    begun.wait(false);

    reload(0, "reload, same file");
    expect(parsed == upstreams, "an unchanged file is not parsed at all");
    for (int generation = 100; generation < 110; ++generation) {
        reload(generation, "reload, two moved");
    }
    expect((*config.now())[0]->value("address") == "10.0.0.0:8443", "new requests see the new snapshot");
    expect(alive == upstreams + 4, "what only the old request sees is alive beside the new");

    finish = true;
    finish.notify_one();
    request.join();
    std::printf("%-26s %8s %8s %8d\n", "the long request ends", "", "", alive.load());
    expect(alive == upstreams, "and gone when the request is");

    const ibid::statistics s = sections.statistics();
    std::printf("12 snapshots of %d sections: %llu parsed, %llu shared\n", upstreams,
                static_cast<unsigned long long>(s.misses), static_cast<unsigned long long>(s.hits));
    expect(s.misses + s.hits == 12 * upstreams && s.entries == upstreams, "the figures agree");
    return failures.load();
}
