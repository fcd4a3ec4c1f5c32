// SPDX-License-Identifier: Apache-2.0
//
// Which service a control group is.
#include "cli/systemd/processes.h"

#include <gtest/gtest.h>

namespace ibid::cli::systemd {
namespace {

TEST(unit_in, is_the_first_part_that_is_no_slice) {
    EXPECT_EQ(unit_in("0::/system.slice/a.service\n", "0::/init.scope\n"), "a.service");
    EXPECT_EQ(unit_in("0::/a.slice/a-b.slice/a.service/worker/b.service\n", "0::/init.scope\n"), "a.service");
    EXPECT_EQ(unit_in("1:name=systemd:/system.slice/a.service\n0::/\n", "1:name=systemd:/\n0::/\n"),
              "a.service");
    EXPECT_EQ(unit_in("0::/\n", "0::/init.scope\n"), "");
    EXPECT_EQ(unit_in("", ""), "");
}

TEST(unit_in, is_not_what_a_user_or_a_container_calls_so) {
    EXPECT_EQ(unit_in("0::/user.slice/user-1.slice/user@1.service/app.slice/a.service\n", "0::/init.scope\n"),
              "user@1.service");
    EXPECT_EQ(unit_in("0::/user.slice/user-1.slice/session-2.scope/a.service\n", "0::/init.scope\n"), "");
    EXPECT_EQ(unit_in("0::/system.slice/docker-1.scope/system.slice/a.service\n", "0::/init.scope\n"), "");
}

TEST(unit_in, begins_where_systemd_is) {
    EXPECT_EQ(unit_in("0::/lxc/1/system.slice/a.service\n", "0::/lxc/1/init.scope\n"), "a.service");
    EXPECT_EQ(unit_in("0::/../../system.slice/a.service\n", "0::/../../init.scope\n"), "a.service");
    EXPECT_EQ(unit_in("0::/../a.service\n", "0::/../../init.scope\n"), "a.service");
    EXPECT_EQ(unit_in("0::/lxc/12/system.slice/a.service\n", "0::/lxc/1/init.scope\n"), "");
}

} // namespace
} // namespace ibid::cli::systemd
