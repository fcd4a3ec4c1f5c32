# SPDX-License-Identifier: Apache-2.0
"""The look that all of ibid's benchmark reports share: one HTML file, no scripts, nothing from outside."""
