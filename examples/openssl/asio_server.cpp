// SPDX-License-Identifier: Apache-2.0
//
// The second way: a Boost.Asio server that asks its clients for certificates, linked with
// ibid::openssl_interpose before OpenSSL. It contains no code for ibid. Its open connections share one copy
// of each certificate, as 'ibid stat PID' shows; otherwise each connection would have its own copy.
//
//     asio_server PORT CERTIFICATE KEY CLIENTS_CA        (0: any port; it is printed)
#include <utility> // Boost 1.74 does not include it

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include <array>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <openssl/x509.h>

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;

namespace {

// One client: answers each line with the client's name, until the client leaves.
class session : public std::enable_shared_from_this<session> {
public:
    session(tcp::socket socket, ssl::context& context) : stream_(std::move(socket), context) {}

    void begin() {
        stream_.async_handshake(ssl::stream_base::server,
                                [self = shared_from_this()](const boost::system::error_code& error) {
                                    if (!error) {
                                        self->name_the_client();
                                        self->read();
                                    }
                                });
    }

private:
    void name_the_client() {
        X509* const client = SSL_get0_peer_certificate(stream_.native_handle()); // shared, so it is only read
        std::array<char, 256> name{};
        X509_NAME_oneline(X509_get_subject_name(client), name.data(), static_cast<int>(name.size()));
        const std::string body = "hello " + std::string(name.data()) + "\n";
        answer_ = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }

    void read() {
        asio::async_read_until(
            stream_, asio::dynamic_buffer(request_), "\r\n\r\n",
            [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                if (!error) {
                    self->request_.erase(0, size);
                    self->write();
                }
            });
    }

    void write() {
        asio::async_write(stream_, asio::buffer(answer_),
                          [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                              if (!error) {
                                  self->read();
                              }
                          });
    }

    ssl::stream<tcp::socket> stream_;
    std::string request_;
    std::string answer_;
};

class server {
public:
    server(asio::io_context& io, unsigned short port, ssl::context& context)
        : acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), port)), context_(context) {
        accept();
    }

    [[nodiscard]] unsigned short port() const { return acceptor_.local_endpoint().port(); }

private:
    void accept() {
        acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
            if (!error) {
                std::make_shared<session>(std::move(socket), context_)->begin();
            }
            accept();
        });
    }

    tcp::acceptor acceptor_;
    ssl::context& context_;
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::cerr << "asio_server PORT CERTIFICATE KEY CLIENTS_CA\n";
        return 2;
    }
    try {
        ssl::context context(ssl::context::tls_server);
        context.use_certificate_chain_file(argv[2]);
        context.use_private_key_file(argv[3], ssl::context::pem);
        context.load_verify_file(argv[4]);
        context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);

        asio::io_context io;
        const server s(io, static_cast<unsigned short>(std::atoi(argv[1])), context);
        std::cout << "port " << s.port() << std::endl;

        asio::signal_set ends(io, SIGINT, SIGTERM);
        ends.async_wait([&io](const boost::system::error_code&, int) { io.stop(); });
        std::vector<std::thread> threads;
        for (int i = 0; i < 2; ++i) {
            threads.emplace_back([&io] { io.run(); });
        }
        for (std::thread& t : threads) {
            t.join();
        }
    } catch (const std::exception& e) {
        std::cerr << "asio_server: " << e.what() << '\n';
        return 1;
    }
    return 0;
}
