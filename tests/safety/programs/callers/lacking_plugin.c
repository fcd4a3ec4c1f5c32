// SPDX-License-Identifier: Apache-2.0
//
// A plugin that calls a function that nobody defines.
void nobody_defines_this(void);

void plugin_call(void) {
    nobody_defines_this();
}
