# SPDX-License-Identifier: Apache-2.0
"""`./dev demo`: unmodified programs, stock and under `ibid run`, measured side by side."""
