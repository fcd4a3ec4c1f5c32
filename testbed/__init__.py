# SPDX-License-Identifier: Apache-2.0
"""Real programs, a realistic PKI, and adversarial peers, for ibid's tests, benchmarks and demo."""
