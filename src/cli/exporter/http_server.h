// SPDX-License-Identifier: Apache-2.0
//
// An HTTP/1.1 server for one page: GET and HEAD, one request for each connection, one connection at a time.
//
// Law: it runs with the right to read other users' processes, perhaps as root. So it takes nothing from a
// peer but the first 8 KiB of a request, of which it reads the first line and one header; each peer has two
// seconds in all; no file is opened for one. docs/decisions/0020 says why it is not a library.
#pragma once

#include <csignal>
#include <functional>
#include <string>
#include <string_view>

namespace ibid::cli::exporter {

struct http_request {
    std::string method; // "GET"
    std::string path;   // "/metrics", without what follows a question mark
    std::string accept; // the header of that name
};

struct http_answer {
    int status = 200;
    std::string type = "text/plain; charset=utf-8";
    std::string body;
};

// The parts of a request's first lines. Status 0: good; else the status to answer with.
[[nodiscard]] int parse_request(std::string_view text, http_request& into);

class http_server {
public:
    // "127.0.0.1:9842", "[::1]:9842", "localhost:9842", ":9842" (all addresses). Throws std::runtime_error,
    // in words for a person.
    explicit http_server(const std::string& address);
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;
    ~http_server();

    [[nodiscard]] const std::string& address() const {
        return address_;
    } // with the port that it got, where 0 was asked for

    // Until SIGINT or SIGTERM, which are attended to from the constructor on.
    void serve(const std::function<http_answer(const http_request&)>& answer) const;

private:
    int listener_ = -1;
    std::string address_;
    sigset_t open_{}; // signals that are blocked while it waits
};

// What is wrong with an address; empty: nothing.
[[nodiscard]] std::string wrong_address(const std::string& address);

} // namespace ibid::cli::exporter
