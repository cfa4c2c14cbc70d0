# SPDX-License-Identifier: GPL-2.0-or-later
"""One system test per file: its name is the file's with dashes, its docstring says what a user would see break.

run(bed) raises Failed, or the test has passed.  ON_STOCK_XEN: it can also run on stock Xen, the peer.
"""
