// SPDX-License-Identifier: Apache-2.0
//
// See http_server.h.
#include "cli/exporter/http_server.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <optional>
#include <stdexcept>

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli::exporter {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t most_bytes = 8192;
constexpr auto timeout = std::chrono::seconds(2);

volatile std::sig_atomic_t told_to_end = 0;

struct host_and_port {
    std::string host; // empty: all addresses
    std::string port;
};

std::optional<host_and_port> split(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos)
        return std::nullopt;
    host_and_port parts{address.substr(0, colon), address.substr(colon + 1)};
    unsigned port = 0;
    const char* const last = parts.port.data() + parts.port.size();
    const auto [end, error] = std::from_chars(parts.port.data(), last, port);
    if (error != std::errc{} || end != last || port > 65535)
        return std::nullopt;
    if (parts.host.starts_with("[") && parts.host.ends_with("]"))
        parts.host = parts.host.substr(1, parts.host.size() - 2);
    else if (parts.host.find(':') != std::string::npos)
        return std::nullopt;
    if (parts.host == "localhost")
        parts.host = "127.0.0.1";
    return parts;
}

addrinfo* resolve(const host_and_port& parts) {
    addrinfo hints{};
    hints.ai_family = parts.host.empty() ? AF_INET6 : AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    return ::getaddrinfo(parts.host.empty() ? nullptr : parts.host.c_str(), parts.port.c_str(), &hints,
                         &found) == 0
               ? found
               : nullptr;
}

int listen_on(const addrinfo& a) {
    const int fd = ::socket(a.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    const int on = 1;
    const int off = 0;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (a.ai_family == AF_INET6)
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (::bind(fd, a.ai_addr, a.ai_addrlen) == 0 && ::listen(fd, 16) == 0)
        return fd;
    const int error = errno;
    ::close(fd);
    errno = error;
    return -1;
}

// Waits for a peer; false after its time limit.
bool wait_for(int fd, short what, clock::time_point end) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now()).count();
    pollfd p{fd, what, 0};
    return left > 0 && ::poll(&p, 1, static_cast<int>(left)) > 0;
}

// Reads up to the empty line.
std::string read_head(int fd, clock::time_point end) {
    std::string text;
    char part[1024];
    while (text.size() < most_bytes && text.find("\r\n\r\n") == std::string::npos &&
           wait_for(fd, POLLIN, end)) {
        const ssize_t n = ::recv(fd, part, std::min(sizeof(part), most_bytes - text.size()), 0);
        if (n <= 0 && errno != EINTR && errno != EAGAIN)
            break;
        text.append(part, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        if (n == 0)
            break;
    }
    return text;
}

void write_all(int fd, std::string_view text, clock::time_point end) {
    while (!text.empty() && wait_for(fd, POLLOUT, end)) {
        const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return;
        text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    }
}

const char* name_of(int status) {
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return "Internal Server Error";
    }
}

void converse(int fd, const std::function<http_answer(const http_request&)>& answer) {
    auto end = clock::now() + timeout;
    const std::string head = read_head(fd, end);
    if (head.empty())
        return;
    http_request request;
    http_answer a;
    const auto asked = clock::now();
    if (const int wrong = parse_request(head, request); wrong != 0)
        a = {.status = wrong, .body = fmt::format("{}\n", name_of(wrong))};
    else
        a = answer(request);
    end += clock::now() - asked; // our own time does not count
    std::string text = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n", a.status,
        name_of(a.status), a.type, a.body.size(), a.status == 405 ? "Allow: GET, HEAD\r\n" : "");
    if (request.method != "HEAD")
        text += a.body;
    write_all(fd, text, end);
    // Discards unread input of the peer; otherwise closing would reset the connection, and our answer could
    // be lost.
    ::shutdown(fd, SHUT_WR);
    char unread[1024];
    while (wait_for(fd, POLLIN, std::min(end, clock::now() + std::chrono::milliseconds(100))) &&
           ::recv(fd, unread, sizeof(unread), 0) > 0) {
    }
}

} // namespace

int parse_request(std::string_view text, http_request& into) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string_view::npos)
        return text.size() >= most_bytes ? 431 : 400;
    const std::string_view line = text.substr(0, text.find("\r\n"));
    const std::size_t first = line.find(' ');
    const std::size_t second = line.find(' ', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos ||
        !line.substr(second + 1).starts_with("HTTP/1."))
        return 400;
    into.method = line.substr(0, first);
    into.path = line.substr(first + 1, second - first - 1);
    constexpr std::string_view scheme =
        "http://"; // absolute-form, which any server must take (RFC 9112, 3.2.2)
    if (into.path.starts_with(scheme))
        into.path.erase(0, std::min(into.path.size(), into.path.find('/', scheme.size())));
    into.path.erase(std::min(into.path.size(), into.path.find('?')));
    if (!into.path.starts_with("/"))
        return 400;
    std::string_view headers = text.substr(line.size() + 2, end - line.size());
    for (; !headers.empty(); headers.remove_prefix(std::min(headers.size(), headers.find("\r\n") + 2))) {
        const std::string_view header = headers.substr(0, headers.find("\r\n"));
        constexpr std::string_view accept = "accept:";
        if (header.size() > accept.size() &&
            std::equal(accept.begin(), accept.end(), header.begin(), [](char a, char b) {
                return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
            }))
            into.accept = header.substr(accept.size());
        if (headers.find("\r\n") == std::string_view::npos)
            break;
    }
    return into.method == "GET" || into.method == "HEAD" ? 0 : 405;
}

std::string wrong_address(const std::string& address) {
    const std::optional<host_and_port> parts = split(address);
    addrinfo* const found = parts ? resolve(*parts) : nullptr;
    if (found == nullptr)
        return fmt::format(
            "'{}' is not an address: it is HOST:PORT, as 127.0.0.1:9842, [::1]:9842, or :9842 for all",
            address);
    ::freeaddrinfo(found);
    return {};
}

http_server::http_server(const std::string& address) {
    struct sigaction end {};
    end.sa_handler = [](int) { told_to_end = 1; };
    sigset_t ends;
    ::sigemptyset(&ends);
    for (const int signal : {SIGINT, SIGTERM}) {
        ::sigaction(signal, &end, nullptr);
        ::sigaddset(&ends, signal);
    }
    // Blocked except while serve() waits, so that no signal is lost between check and wait.
    ::sigprocmask(SIG_BLOCK, &ends, &open_);
    ::sigdelset(&open_, SIGINT);
    ::sigdelset(&open_, SIGTERM);

    const std::optional<host_and_port> parts = split(address);
    addrinfo* const found = parts ? resolve(*parts) : nullptr;
    if (found == nullptr)
        throw std::runtime_error(wrong_address(address));
    listener_ = listen_on(*found);
    int error = errno;
    ::freeaddrinfo(found);
    if (listener_ < 0 && parts->host.empty()) { // no IPv6 here
        addrinfo* const older = resolve({"0.0.0.0", parts->port});
        listener_ = older != nullptr ? listen_on(*older) : -1;
        error = errno;
        if (older != nullptr)
            ::freeaddrinfo(older);
    }
    if (listener_ < 0)
        throw std::runtime_error(fmt::format(
            "cannot listen on {}: {}{}", address, std::strerror(error),
            error == EADDRINUSE ? "; another exporter runs there, or choose another port with --listen"
                                : ""));
    sockaddr_storage own{};
    socklen_t length = sizeof(own);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&own), &length); // as the interface has it
    char port[16] = "";
    ::getnameinfo(reinterpret_cast<sockaddr*>(&own), length, nullptr, 0, port, sizeof(port), NI_NUMERICSERV);
    address_ = address.substr(0, address.rfind(':') + 1) + port;
}

http_server::~http_server() {
    if (listener_ >= 0)
        ::close(listener_);
}

void http_server::serve(const std::function<http_answer(const http_request&)>& answer) const {
    while (told_to_end == 0) {
        pollfd p{listener_, POLLIN, 0};
        if (::ppoll(&p, 1, nullptr, &open_) <= 0)
            continue;
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            const timespec pause{0, 10'000'000}; // perhaps no descriptors are left
            ::nanosleep(&pause, nullptr);
            continue;
        }
        converse(fd, answer);
        ::close(fd);
    }
}

} // namespace ibid::cli::exporter
