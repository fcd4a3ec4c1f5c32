// SPDX-License-Identifier: Apache-2.0
//
// See top_view.h.
#include "cli/live/top_view.h"

#include "cli/base/numbers.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

using shared_statistics::kind;

const statistics& figures_of(const top_row& r) {
    return r.figures[kind::certificates];
}

double hit_rate(const top_row& r) {
    const statistics& s = figures_of(r);
    return s.hits + s.misses == 0 ? -1 : static_cast<double>(s.hits) / static_cast<double>(s.hits + s.misses);
}

struct column {
    std::string_view name; // for --sort
    std::string_view title;
    int width;
    bool is_left; // aligned; and sorted from the smallest
    std::string (*text)(const top_row&);
    bool (*is_less)(const top_row&, const top_row&);
};

template <auto Member>
bool has_less(const top_row& a, const top_row& b) {
    return figures_of(a).*Member < figures_of(b).*Member;
}

// 80 wide, as terminals are.
constexpr std::array all_columns{
    column{"pid", "PID", 7, false, [](const top_row& r) { return fmt::format("{}", r.pid); },
           [](const top_row& a, const top_row& b) { return a.pid < b.pid; }},
    column{"name", "NAME", 16, true, [](const top_row& r) { return r.name; },
           [](const top_row& a, const top_row& b) { return a.name < b.name; }},
    column{"active", "ACTIVE", 7, false, [](const top_row& r) { return grouped(figures_of(r).active); },
           has_less<&statistics::active>},
    column{"retained", "RETAINED", 8, false, [](const top_row& r) { return grouped(figures_of(r).retained); },
           has_less<&statistics::retained>},
    column{"hits", "HITS", 11, false, [](const top_row& r) { return grouped(figures_of(r).hits); },
           has_less<&statistics::hits>},
    column{"misses", "MISSES", 9, false, [](const top_row& r) { return grouped(figures_of(r).misses); },
           has_less<&statistics::misses>},
    column{"rate", "HIT%", 5, false,
           [](const top_row& r) {
               return hit_rate(r) < 0 ? std::string("-") : fmt::format("{:.1f}", 100 * hit_rate(r));
           },
           [](const top_row& a, const top_row& b) { return hit_rate(a) < hit_rate(b); }},
    column{"saved", "NOT PARSED", 10, false,
           [](const top_row& r) { return bytes_text(figures_of(r).bytes_not_parsed); },
           has_less<&statistics::bytes_not_parsed>},
};

std::string padded(const std::string& text, const column& c) {
    return c.is_left ? fmt::format("{:<{}.{}}", text, c.width, c.width)
                     : fmt::format("{:>{}}", text, c.width);
}

bool names_row(const column& c) {
    return c.name == "pid" || c.name == "name";
}

void add_column(std::string& line, const std::string& text) {
    if (!line.empty())
        line += ' ';
    line += text;
}

std::size_t start_of(std::size_t column) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < column; ++i)
        at += static_cast<std::size_t>(all_columns[i].width) + 1;
    return at;
}

} // namespace

bool top_view::sort_by(const std::string& name) {
    const auto at = std::find_if(all_columns.begin(), all_columns.end(),
                                 [&name](const column& c) { return c.name == name; });
    if (at == all_columns.end())
        return false;
    column_ = static_cast<std::size_t>(at - all_columns.begin());
    return true;
}

std::string top_view::columns() {
    std::string text;
    for (const column& c : all_columns)
        text += fmt::format("{}{}", text.empty() ? "" : ", ", c.name);
    return text;
}

bool top_view::press(happening h, std::size_t rows) {
    if (h.what != happening::was_pressed)
        return h.what != happening::must_end;
    if (types_) {
        if (h.is(key::enter)) {
            types_ = false;
        } else if (h.is(key::escape)) {
            types_ = false;
            filter_.clear();
        } else if (h.is(key::erase)) {
            if (!filter_.empty())
                filter_.pop_back();
        } else if (h.pressed >= 0x20 && h.pressed < 0x7f) {
            filter_ += static_cast<char>(h.pressed);
        }
        first_ = 0;
        return true;
    }
    const auto move = [this](std::size_t by, bool on) {
        first_ = on ? first_ + by : first_ - std::min(first_, by);
    };
    switch (h.pressed) {
    case 'q':
        return false;
    case '<':
    case static_cast<int>(key::left):
        column_ = (column_ + all_columns.size() - 1) % all_columns.size();
        return true;
    case '>':
    case static_cast<int>(key::right):
        column_ = (column_ + 1) % all_columns.size();
        return true;
    case 'r':
        reversed_ = !reversed_;
        return true;
    case '/':
        types_ = true;
        return true;
    case static_cast<int>(key::escape):
        filter_.clear();
        return true;
    case static_cast<int>(key::up):
    case 'k':
        move(1, false);
        return true;
    case static_cast<int>(key::down):
    case 'j':
        move(1, true);
        return true;
    case static_cast<int>(key::page_up):
        move(rows, false);
        return true;
    case static_cast<int>(key::page_down):
        move(rows, true);
        return true;
    case static_cast<int>(key::first):
        first_ = 0;
        return true;
    case static_cast<int>(key::last):
        first_ = SIZE_MAX / 2;
        return true;
    default:
        return true;
    }
}

std::vector<top_row> top_view::shown(const std::vector<top_row>& all) const {
    std::vector<top_row> rows;
    for (const top_row& r : all) {
        if (r.name.find(filter_) != std::string::npos || std::to_string(r.pid).starts_with(filter_))
            rows.push_back(r);
    }
    const column& by = all_columns[column_];
    const bool small_first = (by.is_left || column_ == 0) != reversed_;
    std::sort(rows.begin(), rows.end(), [&](const top_row& a, const top_row& b) {
        if (by.is_less(a, b) || by.is_less(b, a))
            return small_first ? by.is_less(a, b) : by.is_less(b, a);
        return a.pid < b.pid;
    });
    return rows;
}

std::string top_view::header() const {
    std::string text;
    for (const column& c : all_columns)
        add_column(text, padded(std::string(c.title), c));
    return text;
}

std::string top_view::text_of(const top_row& row) {
    std::string text;
    const bool has_figures = row.figures.helped || !row.cache.empty();
    for (const column& c : all_columns)
        add_column(text, padded(has_figures || names_row(c) ? c.text(row) : "-", c));
    return text;
}

std::string top_view::keys() const {
    if (types_)
        return fmt::format("filter: {}_   Enter keeps it, Esc removes it", filter_);
    return fmt::format("q quit  < > sort: {}  r reverse  / filter{}  arrows scroll",
                       all_columns[column_].name,
                       filter_.empty() ? "" : fmt::format(": {} (Esc: none)", filter_));
}

std::vector<screen_line> top_view::lines(const top_picture& picture, int rows) {
    const std::size_t from = start_of(column_);
    std::vector<screen_line> out{
        {header(), style::strong, from, from + static_cast<std::size_t>(all_columns[column_].width)}};
    const std::vector<top_row> all = shown(picture.rows);
    const auto height = static_cast<std::size_t>(std::max(rows, 1));
    const std::size_t around = lines_around + picture.remarks.size();
    const std::size_t room = height > around ? height - around : 0;
    first_ = std::min(first_, all.size() - std::min(all.size(), std::max<std::size_t>(room, 1)));
    for (std::size_t i = first_; i < all.size() && i - first_ < room; ++i)
        out.push_back({text_of(all[i])});
    for (const std::string& remark : picture.remarks)
        out.push_back({remark, style::faint});
    while (out.size() + 1 < height)
        out.emplace_back();
    out.resize(std::max<std::size_t>(height - 1, 1));
    if (height > 1)
        out.push_back({keys(), style::reversed});
    return out;
}

} // namespace ibid::cli
