// SPDX-License-Identifier: Apache-2.0
//
// bench_adversary: measures one attack and prints the figures as JSON. It is independent of ibid; run.py runs
// it without and with ibid.
#include "adversary.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

int main(int argc, char** argv) {
    CLI::App app("Measures OpenSSL with hostile peers. bench/adversary/run.py compares runs without and "
                 "with ibid.");
    app.require_subcommand(1);
    std::filesystem::path fixtures;
    bench::attack how{};
    int count = 0;
    bench::turns turns;
    bench::figures measured;
    app.add_flag("--turns", turns.taken, "Take turns with another run: see bench/openssl/turns.h");
    app.add_option("--fixtures", fixtures, "Folder that run.py made")->required();

    const std::map<std::string, bench::attack> attacks{
        {"distinct", bench::attack::distinct}, {"large", bench::attack::large},
        {"deep", bench::attack::deep},         {"one-byte", bench::attack::one_byte},
        {"ber", bench::attack::ber},           {"colliding", bench::attack::colliding}};
    auto* const attack = app.add_subcommand("attack", "Hostile servers, and honest ones between them");
    attack->add_option("how", how, "What they send")->required()->transform(CLI::CheckedTransformer(attacks));
    attack->add_option("--count", count, "How many connections")
        ->required()
        ->check(CLI::Range(40, 10'000'000));
    attack->callback([&] { measured = bench::measure_attack(how, fixtures, count, turns); });

    auto* const aborts = app.add_subcommand("aborts", "Handshakes that end after each byte");
    aborts->add_option("--step", count, "After each N-th byte only")->required()->check(CLI::Range(1, 1000));
    aborts->callback([&] { measured = bench::measure_aborts(fixtures, count, turns); });

    try {
        app.parse(argc, argv);
        std::cout << nlohmann::json(measured) << '\n';
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    } catch (const std::exception& error) {
        std::cerr << "bench_adversary: " << error.what() << '\n';
        return 1;
    }
}
