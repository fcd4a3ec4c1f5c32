// SPDX-License-Identifier: Apache-2.0
//
// The other half of question.c.
int ibid_test_answer(void);

int ibid_test_answer(void) {
    return 42;
}
