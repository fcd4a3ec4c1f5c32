// SPDX-License-Identifier: Apache-2.0
//
// Changes the structure of DER: a length with another encoding, an element that is repeated, removed or
// replaced by another one, a different tag. After random changes of bytes, parsing mostly fails at the
// outermost length.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

struct element {
    std::size_t at;      // its tag
    std::size_t content; // where its content begins
    std::size_t end;
    std::vector<std::size_t> inside; // the elements around it, outermost first, as indices
};

// All elements with definite length, in order of position. Searches also inside constructed elements and
// inside strings that contain DER.
void find(const std::vector<std::uint8_t>& bytes, std::size_t begin, std::size_t end,
          const std::vector<std::size_t>& inside, std::vector<element>& all) {
    std::size_t at = begin;
    while (at + 2 <= end && all.size() < 2000 && inside.size() < 20) {
        std::size_t content = at + 2;
        std::size_t length = bytes[at + 1];
        if (length >= 0x80) {
            const std::size_t octets = length & 0x7f;
            if (octets == 0 || octets > 4 || content + octets > end) {
                return;
            }
            length = 0;
            for (std::size_t i = 0; i < octets; ++i) {
                length = length << 8 | bytes[content + i];
            }
            content += octets;
        }
        if (length > end - content) {
            return;
        }
        const std::size_t self = all.size();
        all.push_back({at, content, content + length, inside});
        const std::uint8_t tag = bytes[at];
        if ((tag & 0x20) != 0 || tag == 0x04 || tag == 0x03) {
            std::vector<std::size_t> deeper = inside;
            deeper.push_back(self);
            find(bytes, content + (tag == 0x03 && length > 0 ? 1 : 0), content + length, deeper, all);
        }
        at = content + length;
    }
}

// The header of `tag` with a length in `octets` octets; 0: the shortest encoding.
[[nodiscard]] std::vector<std::uint8_t> header(std::uint8_t tag, std::size_t length, std::size_t octets) {
    if (octets == 0 && length < 0x80) {
        return {tag, static_cast<std::uint8_t>(length)};
    }
    std::size_t needed = 1;
    while (length >> (8 * needed) != 0 && needed < 4) {
        ++needed;
    }
    octets = std::max(octets, needed);
    std::vector<std::uint8_t> out{tag, static_cast<std::uint8_t>(0x80 | octets)};
    for (std::size_t i = octets; i > 0; --i) {
        out.push_back(static_cast<std::uint8_t>(length >> (8 * (i - 1))));
    }
    return out;
}

// Replaces the element by `with` and corrects the lengths of all elements around it.
[[nodiscard]] std::vector<std::uint8_t> replace(const std::vector<std::uint8_t>& bytes,
                                                const std::vector<element>& all, const element& e,
                                                std::vector<std::uint8_t> with) {
    std::size_t at = e.at;
    std::size_t end = e.end;
    for (std::size_t i = e.inside.size(); i > 0; --i) {
        const element& around = all[e.inside[i - 1]];
        std::vector<std::uint8_t> whole(bytes.begin() + static_cast<std::ptrdiff_t>(around.content),
                                        bytes.begin() + static_cast<std::ptrdiff_t>(at));
        whole.insert(whole.end(), with.begin(), with.end());
        whole.insert(whole.end(), bytes.begin() + static_cast<std::ptrdiff_t>(end),
                     bytes.begin() + static_cast<std::ptrdiff_t>(around.end));
        with = header(bytes[around.at], whole.size(), 0);
        with.insert(with.end(), whole.begin(), whole.end());
        at = around.at;
        end = around.end;
    }
    std::vector<std::uint8_t> out(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    out.insert(out.end(), with.begin(), with.end());
    out.insert(out.end(), bytes.begin() + static_cast<std::ptrdiff_t>(end), bytes.end());
    return out;
}

[[nodiscard]] std::vector<std::uint8_t> change(const std::vector<std::uint8_t>& der, std::mt19937& random) {
    std::vector<element> all;
    find(der, 0, der.size(), {}, all);
    if (all.empty()) {
        return der;
    }
    const auto any = [&] { return all[random() % all.size()]; };
    const element e = any();
    const auto part = [&](std::size_t from, std::size_t to) {
        return std::vector<std::uint8_t>(der.begin() + static_cast<std::ptrdiff_t>(from),
                                         der.begin() + static_cast<std::ptrdiff_t>(to));
    };
    const auto with_header = [&](std::vector<std::uint8_t> head, std::vector<std::uint8_t> body) {
        head.insert(head.end(), body.begin(), body.end());
        return replace(der, all, e, std::move(head));
    };
    std::vector<std::uint8_t> body = part(e.content, e.end);
    switch (random() % 8) {
    case 0: // a longer length than needed
        return with_header(header(der[e.at], body.size(), 1 + random() % 4), std::move(body));
    case 1: // an indefinite length
        body.insert(body.end(), {0, 0});
        return with_header({der[e.at], 0x80}, std::move(body));
    case 2:
        return replace(der, all, e, {});
    case 3: { // twice
        std::vector<std::uint8_t> twice = part(e.at, e.end);
        twice.insert(twice.end(), der.begin() + static_cast<std::ptrdiff_t>(e.at),
                     der.begin() + static_cast<std::ptrdiff_t>(e.end));
        return replace(der, all, e, std::move(twice));
    }
    case 4: { // another element
        const element other = any();
        return replace(der, all, e, part(other.at, other.end));
    }
    case 5: // another tag
        return with_header(
            header(static_cast<std::uint8_t>(der[e.at] ^ (1U << random() % 8)), body.size(), 0),
            std::move(body));
    case 6: // one byte of its content
        if (!body.empty()) {
            body[random() % body.size()] = static_cast<std::uint8_t>(random());
        }
        return with_header(header(der[e.at], body.size(), 0), std::move(body));
    default: // more content, or less
        body.resize(random() % 2 == 0 ? body.size() / 2 : body.size() + random() % 40, 0x41);
        return with_header(header(der[e.at], body.size(), 0), std::move(body));
    }
}

} // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
    std::mt19937 random(seed);
    if (size > 2 && random() % 8 == 0) { // another scene, or another variant of the same
        data[random() % 2] = static_cast<std::uint8_t>(random());
        return size;
    }
    if (size <= 4 || random() % 3 == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    std::vector<std::uint8_t> der(data + 2, data + size);
    for (unsigned i = random() % 2; i < 2; ++i) {
        der = change(der, random);
    }
    const std::size_t kept = std::min(der.size(), max_size - 2);
    std::copy_n(der.begin(), kept, data + 2);
    return kept + 2;
}
