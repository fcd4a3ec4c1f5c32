// SPDX-License-Identifier: Apache-2.0
//
// Writes to a CRL with many entries, while many files are loaded, take as long as in stock: revocations
// ENTRIES FILES. Figures: CPU time of the writes.
#include "support.h"

int main(int argc, char** argv) {
    MUST(argc > 2);
    const int entries = atoi(argv[1]);
    const int files = atoi(argv[2]);
    SSL_CTX** const contexts = calloc((size_t)files, sizeof *contexts);
    static unsigned char bundle[65536];
    const long size = read_file(pki("chain.bundle.pem"), bundle, sizeof bundle);
    for (int i = 0; i < files; ++i) {
        char name[64];
        snprintf(name, sizeof name, "trust-%d.pem", i);
        FILE* const f = fopen(name, "w");
        fwrite(bundle, 1, (size_t)size, f);
        fprintf(f, "# %d\n", i);
        fclose(f);
        contexts[i] = SSL_CTX_new(TLS_client_method());
        MUST(SSL_CTX_load_verify_locations(contexts[i], name, NULL) == 1);
    }
    double begin = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    X509_CRL* const list = X509_CRL_new();
    ASN1_TIME* const now = ASN1_TIME_set(NULL, 1700000000);
    ASN1_INTEGER* const serial = ASN1_INTEGER_new();
    for (int i = 0; i < entries; ++i) {
        X509_REVOKED* const r = X509_REVOKED_new();
        ASN1_INTEGER_set(serial, i + 1);
        X509_REVOKED_set_serialNumber(r, serial);
        X509_REVOKED_set_revocationDate(r, now);
        X509_CRL_add0_revoked(list, r);
    }
    figure("entries", cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - begin);
    begin = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    X509* const x = X509_new();
    X509_NAME* const name = X509_NAME_new();
    for (int i = 0; i < entries / 20; ++i) {
        X509_set_version(x, 2);
        X509_set_serialNumber(x, serial);
        X509_set1_notBefore(x, now);
        X509_set1_notAfter(x, now);
        X509_set_subject_name(x, name);
        X509_set_issuer_name(x, name);
    }
    figure("setters", cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - begin);
    begin = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < entries / 400; ++i) {
        X509* const copy = X509_dup(certificate_in("server.cert.pem"));
        X509_set_version(copy, 2);
        X509_free(copy);
    }
    figure("copies", cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - begin);
    printf("%d entries\n", sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)));
    return 0;
}
