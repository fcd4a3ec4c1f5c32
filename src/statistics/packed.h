// SPDX-License-Identifier: Apache-2.0
//
// Serializes values from a child of this program to its parent. Both are the same build, so layouts agree.
//
// Law: the input may be truncated anywhere. Then all further values are empty, and whole() is false.
//
//     pack out;            unpack in(out.bytes());
//     out << 7u << text;   in >> number >> text;
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ibid::shared_statistics {

class pack {
public:
    template <class T>
    requires std::is_trivially_copyable_v<T> pack& operator<<(const T& value) {
        const std::size_t at = bytes_.size();
        bytes_.resize(at + sizeof(T));
        std::memcpy(bytes_.data() + at, &value, sizeof(T));
        return *this;
    }
    pack& operator<<(const std::string& text) {
        *this << std::uint64_t{text.size()};
        bytes_ += text;
        return *this;
    }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
};

class unpack {
public:
    explicit unpack(std::string_view bytes) : rest_(bytes) {}

    template <class T>
    requires std::is_trivially_copyable_v<T> unpack& operator>>(T& value) {
        if (whole_ = whole_ && rest_.size() >= sizeof(T); whole_) {
            std::memcpy(static_cast<void*>(&value), rest_.data(), sizeof(T));
            rest_.remove_prefix(sizeof(T));
        }
        return *this;
    }
    unpack& operator>>(std::string& text) {
        std::uint64_t size = 0;
        *this >> size;
        if (whole_ = whole_ && rest_.size() >= size; whole_) {
            text = rest_.substr(0, size);
            rest_.remove_prefix(size);
        }
        return *this;
    }
    [[nodiscard]] bool whole() const { return whole_; }
    [[nodiscard]] bool done() const { return !whole_ || rest_.empty(); }

private:
    std::string_view rest_;
    bool whole_ = true;
};

} // namespace ibid::shared_statistics
