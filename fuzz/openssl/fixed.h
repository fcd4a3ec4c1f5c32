// SPDX-License-Identifier: Apache-2.0
//
// Two valid certificates for use together with the fuzzer's input: a root, and a leaf that it signed. Their
// private keys were deleted. They are constants, so that both processes have the same. Also the server's own
// certificate and key, made only for this purpose.
#pragma once

namespace ibid::fuzz {

inline constexpr char fixed_root_pem[] = "-----BEGIN CERTIFICATE-----\n"
                                         "MIIBRDCB66ADAgECAhAMqzmqEGjzDcK4wQ+qF/PYMAoGCCqGSM49BAMCMBkxFzAV\n"
                                         "BgNVBAMMDkliaWQgRnV6eiBSb290MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAx\n"
                                         "MDAwMDAwWjAZMRcwFQYDVQQDDA5JYmlkIEZ1enogUm9vdDBZMBMGByqGSM49AgEG\n"
                                         "CCqGSM49AwEHA0IABHRKXdPn3oYqmZHLcbfe5mBDrvfSNOjifUU7Vu4t02Q0ZaEh\n"
                                         "iu4X189pMsVa4+HF4kjO4dq6cCsCupJTH4e9LkWjEzARMA8GA1UdEwEB/wQFMAMB\n"
                                         "Af8wCgYIKoZIzj0EAwIDSAAwRQIgcU+QmpHQwRjEu0+0ywaXgSWykbhffWTfqZe3\n"
                                         "B5dkZHoCIQD+uYnqA8+6LreIbDpmFoe43iIk2QV7xuEdI4+nnWwo4A==\n"
                                         "-----END CERTIFICATE-----\n";

inline constexpr char fixed_leaf_pem[] = "-----BEGIN CERTIFICATE-----\n"
                                         "MIIBWzCCAQCgAwIBAgIQdG2xvPaK8AAYAC1jGoSQUDAKBggqhkjOPQQDAjAZMRcw\n"
                                         "FQYDVQQDDA5JYmlkIEZ1enogUm9vdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEw\n"
                                         "MTAwMDAwMFowGTEXMBUGA1UEAwwObGVhZi5pYmlkLnRlc3QwWTATBgcqhkjOPQIB\n"
                                         "BggqhkjOPQMBBwNCAARnieOgUph9lusw6ATxfqLX5xYm3Rflnc8gUqe3JUkWx5Rb\n"
                                         "eqN3jx1kw03NhhMQmJyxqE4CO6xv9vb1isehbYptoygwJjAJBgNVHRMEAjAAMBkG\n"
                                         "A1UdEQQSMBCCDmxlYWYuaWJpZC50ZXN0MAoGCCqGSM49BAMCA0kAMEYCIQCo759I\n"
                                         "FF/OzlPCwavhfWZLUmU/dXSwI7dnQfu9CRKB8gIhANlkqbvMSVfujtG/is8f9ycv\n"
                                         "omIydbWKReWCXxk7k3Op\n"
                                         "-----END CERTIFICATE-----\n";

inline constexpr char fixed_server_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBjTCCATOgAwIBAgIUTXwAOENB4lyJ3bfLenGQ8m68jYEwCgYIKoZIzj0EAwIw\n"
    "GzEZMBcGA1UEAwwQSWJpZCBGdXp6IFNlcnZlcjAgFw0yNjExMjkwMjQ5NTlaGA8y\n"
    "MTI2MTEwNTAyNDk1OVowGzEZMBcGA1UEAwwQSWJpZCBGdXp6IFNlcnZlcjBZMBMG\n"
    "ByqGSM49AgEGCCqGSM49AwEHA0IABHSEZZKblSEyKhP9E75c5Ki2G2+Mr2FB5Jc/\n"
    "cZ2Kyv7Wv8ED7k+V4KSoqPBSNHIQupiAifEoKoj0lozT4KiWKNujUzBRMB0GA1Ud\n"
    "DgQWBBQIY6Hvw7JdP54RxLOxYjfC6ZiFwDAfBgNVHSMEGDAWgBQIY6Hvw7JdP54R\n"
    "xLOxYjfC6ZiFwDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDH\n"
    "OziV48/pmN5RT3TseKtb5oVKvV7KNsuG2EhlkGptDgIgNZUYnR2iSaNAFzyb6rsw\n"
    "9mjuHqCeHj1O6I8t6pPkAoQ=\n"
    "-----END CERTIFICATE-----\n";

inline constexpr char fixed_server_key_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBgjzDQoEYpEZKqkt\n"
    "mnLMb4ALBOK1/IJgUbTw4INWsq+hRANCAAR0hGWSm5UhMioT/RO+XOSothtvjK9h\n"
    "QeSXP3Gdisr+1r/BA+5PleCkqKjwUjRyELqYgInxKCqI9JaM0+Colijb\n"
    "-----END PRIVATE KEY-----\n";

} // namespace ibid::fuzz
