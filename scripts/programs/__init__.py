# SPDX-License-Identifier: Apache-2.0
"""Unmodified programs, stock and under ibid, compared exchange by exchange: ./dev programs."""
