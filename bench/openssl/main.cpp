// SPDX-License-Identifier: Apache-2.0
//
// bench_openssl: makes one measurement and prints the figures as JSON. An ordinary OpenSSL program; run.py
// runs it without and with ibid.
#include "layout.h"
#include "scenarios.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

int main(int argc, char** argv) {
    const bench::another_layout layout;
    CLI::App app("Measures OpenSSL as an application uses it. bench/openssl/run.py compares runs without and "
                 "with ibid.");
    app.require_subcommand(1);
    bench::peers_options options;
    bench::figures measured;
    bench::turns turns;
    app.add_flag("--turns", turns.taken, "Take turns with another run: see turns.h");
    int count = 0;
    int early = 0;
    std::filesystem::path file;
    std::vector<std::filesystem::path> files;

    const auto add_peers = [&](CLI::App* command) {
        const std::map<std::string, bench::authentication> kinds{{"rsa", bench::authentication::rsa},
                                                                 {"ecdsa", bench::authentication::ecdsa},
                                                                 {"psk", bench::authentication::psk}};
        command->add_option("--by", options.by, "Kind of the server's certificate")
            ->transform(CLI::CheckedTransformer(kinds));
        command->add_flag("--mutual", options.mutual, "The client sends a certificate, too");
        command->add_flag("--resumed", options.resumed, "Connections resume a session");
    };
    const auto add_fixtures = [&](CLI::App* command) {
        command->add_option("--fixtures", options.fixtures, "Folder that run.py made")->required();
    };
    const auto add_count = [&](CLI::App* command) {
        command->add_option("--count", count, "How many")->required()->check(CLI::Range(2, 100'000'000));
    };

    auto* const handshakes = app.add_subcommand("handshakes", "CPU of TLS 1.3 handshakes");
    add_peers(handshakes);
    add_fixtures(handshakes);
    add_count(handshakes);
    handshakes->callback([&] { measured = bench::measure_handshakes(options, count, turns); });

    auto* const idle = app.add_subcommand("idle", "Heap of idle connections");
    add_peers(idle);
    add_fixtures(idle);
    add_count(idle);
    idle->callback([&] { measured = bench::measure_idle_connections(options, count); });

    auto* const contexts = app.add_subcommand("contexts", "A further SSL_CTX");
    contexts->add_option("--bundle", file, "CA bundle; without it a bare SSL_CTX");
    add_count(contexts);
    contexts->callback([&] { measured = bench::measure_contexts(file, count, turns); });

    auto* const first = app.add_subcommand("first-sight", "Certificates that are parsed once");
    first->add_option("file", file, "Concatenated DER")->required();
    first->callback([&] { measured = bench::measure_first_sight(file, turns); });

    auto* const hits = app.add_subcommand("hits", "A held certificate that is parsed again and again");
    hits->add_option("files", files, "Two certificates, DER")->required()->expected(2);
    add_count(hits);
    hits->callback([&] { measured = bench::measure_hits(files, count, turns); });

    auto* const crl = app.add_subcommand("crl", "One CRL in many trust stores");
    crl->add_option("file", file, "The CRL, PEM")->required();
    add_count(crl);
    crl->callback([&] { measured = bench::measure_crl(file, count, turns); });

    auto* const churn = app.add_subcommand("churn", "Connections that come and go");
    add_fixtures(churn);
    add_count(churn);
    churn->add_option("--early", early, "After how many the heap is first weighed")->required();
    churn->callback([&] { measured = bench::measure_churn(options.fixtures, count, early); });

    try {
        app.parse(argc, argv);
        std::cout << nlohmann::json(measured) << '\n';
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    } catch (const std::exception& error) {
        std::cerr << "bench_openssl: " << error.what() << '\n';
        return 1;
    }
}
