# SPDX-License-Identifier: Apache-2.0
"""Runs the README's two commands in fresh userlands of Debian and Ubuntu: ./dev systems."""
