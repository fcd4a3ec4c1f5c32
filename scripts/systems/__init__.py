# SPDX-License-Identifier: Apache-2.0
"""Fresh userlands of Debian and Ubuntu, and the README's two commands in each: ./dev systems."""
