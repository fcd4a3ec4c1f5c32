// SPDX-License-Identifier: Apache-2.0
//
// Static probes (USDT) for bpftrace, perf, SystemTap and GDB: docs/operators/monitoring.md lists them.
//
// Law: a probe that is not in use is one `nop`. A note in the file says in which registers or memory its
// operands are. Operands are values that the code also needs after the probe, so nothing is computed for a
// probe. The header is the system's (systemtap-sdt-dev); without it there are no probes.
#pragma once

#ifdef IBID_HAS_SDT
#include <sys/sdt.h>
#define IBID_PROBE(name, first, second) DTRACE_PROBE2(ibid, name, first, second)
#else
#define IBID_PROBE(name, first, second) static_cast<void>(0)
#endif
