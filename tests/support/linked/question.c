// SPDX-License-Identifier: Apache-2.0
//
// A library that calls itself: its own function, exported, in another file. How it was linked decides who answers.
int ibid_test_answer(void);
int ibid_test_question(void);

int ibid_test_question(void) {
    return ibid_test_answer();
}
