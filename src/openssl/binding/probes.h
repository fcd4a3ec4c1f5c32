// SPDX-License-Identifier: Apache-2.0
//
// Static probes (USDT) for bpftrace, perf, SystemTap and GDB: docs/operators/monitoring.md lists them.
//
// Law: a probe that nobody uses is one `nop` and a note in the file, which says where its operands are: in
// the registers, or the memory, where they are anyway. So operands are values that the code needs behind the
// probe, too, and nothing is computed for one. The header is the system's (systemtap-sdt-dev); without it
// there are no probes.
#pragma once

#ifdef IBID_HAS_SDT
#include <sys/sdt.h>
#define IBID_PROBE(name, first, second) DTRACE_PROBE2(ibid, name, first, second)
#else
#define IBID_PROBE(name, first, second) static_cast<void>(0)
#endif
