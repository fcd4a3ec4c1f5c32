// SPDX-License-Identifier: Apache-2.0
module ibid/bench/peers/go

go 1.26
