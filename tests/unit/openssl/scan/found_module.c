/* SPDX-License-Identifier: Apache-2.0 */
__attribute__((visibility("default"))) int ibid_test_is_found(void);

__attribute__((visibility("default"))) int ibid_test_is_found(void) {
    return 1;
}
