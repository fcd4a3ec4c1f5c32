// SPDX-License-Identifier: Apache-2.0
//
// Two sound certificates that stand beside whatever the fuzzer sends: a root, and a leaf that it signed. Their keys are
// nobody's. They are constants, so that both processes have the same.
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

} // namespace ibid::fuzz
