/* SPDX-License-Identifier: Apache-2.0
 *
 * The second way, for a program whose TLS is in a library without code for ibid: libcurl. Linked with
 * ibid::openssl_interpose before everything else. It also prints how much was shared, which is optional.
 *
 *     curl_client URL CA CERTIFICATE KEY TIMES
 *
 * Each transfer has its own connection and its own trust store, as in a program with occasional transfers. */
#include <curl/curl.h>
#include <ibid_openssl.h>
#include <stdio.h>
#include <stdlib.h>

static int fetch(const char* url, const char* ca, const char* certificate, const char* key) {
    CURL* const curl = curl_easy_init();
    if (curl == NULL) {
        return 0;
    }
    char message[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(curl, CURLOPT_SSLCERT, certificate);
    curl_easy_setopt(curl, CURLOPT_SSLKEY, key);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
    const CURLcode result = curl_easy_perform(curl);
    if (result != CURLE_OK) {
        fprintf(stderr, "curl_client: %s\n", message[0] != '\0' ? message : curl_easy_strerror(result));
    }
    curl_easy_cleanup(curl);
    return result == CURLE_OK;
}

static void show(const char* what, enum ibid_openssl_kind kind) {
    struct ibid_openssl_statistics s = {.size = sizeof s};
    if (ibid_openssl_get_statistics(kind, &s)) {
        printf("%s: %llu hits, %llu misses\n", what, (unsigned long long)s.hits,
               (unsigned long long)s.misses);
    }
}

int main(int argc, char** argv) {
    if (argc != 6) {
        fprintf(stderr, "curl_client URL CA CERTIFICATE KEY TIMES\n");
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int good = 1;
    for (int i = 0; i < atoi(argv[5]) && good; ++i) {
        good = fetch(argv[1], argv[2], argv[3], argv[4]);
    }
    curl_global_cleanup();
    const char* const why_not = ibid_openssl_why_not(IBID_OPENSSL_FEATURE_PEERS);
    if (why_not != NULL) {
        printf("peers are not shared: %s\n", why_not);
    }
    show("certificates", IBID_OPENSSL_CERTIFICATES);
    show("trust stores", IBID_OPENSSL_TRUST_STORES);
    return good ? 0 : 1;
}
