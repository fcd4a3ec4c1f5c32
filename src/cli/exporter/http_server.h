// SPDX-License-Identifier: Apache-2.0
//
// An HTTP/1.1 server for one page: GET and HEAD, one request for each connection, one connection at a time.
//
// Law: it runs with the permission to read other users' processes, perhaps as root. So it reads at most 8 KiB
// of a request and parses only the first line and one header. Each peer has two seconds in total. It opens no
// file for a peer. docs/decisions/0020 says why it is not a library.
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

// The parts of a request's header. Status 0: valid; otherwise the status to answer with.
[[nodiscard]] int parse_request(std::string_view text, http_request& into);

class http_server {
public:
    // "127.0.0.1:9842", "[::1]:9842", "localhost:9842", ":9842" (all addresses). Throws std::runtime_error
    // with a message for the user.
    explicit http_server(const std::string& address);
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;
    ~http_server();

    [[nodiscard]] const std::string& address() const {
        return address_;
    } // with the actual port if 0 was requested

    // Serves until SIGINT or SIGTERM, which are handled from the constructor on.
    void serve(const std::function<http_answer(const http_request&)>& answer) const;

private:
    int listener_ = -1;
    std::string address_;
    sigset_t open_{}; // signals that are blocked while it waits
};

// An error message for an address; empty: it is valid.
[[nodiscard]] std::string wrong_address(const std::string& address);

} // namespace ibid::cli::exporter
