#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
import tempfile
import unittest
from pathlib import Path

import links


def mistakes(**files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return list(links.mistakes(Path(folder)))


class Links(unittest.TestCase):
    def test_links_that_lead_somewhere(self):
        self.assertEqual([], mistakes(**{
            "README.md": "[a](docs/a.md) [b](docs/a.md#what-is-in-it) [web](https://nowhere.example) "
                         "[here](#top)\n# Top\n",
            "docs/a.md": "## What is in it?\n[up](../README.md)\n\n    [code](is/no/link)\n",
            "host/x.cpp": "// see docs/a.md; build/docs/b.md is another\n"}))

    def test_a_page_that_is_missing(self):
        self.assertEqual(["README.md: leads to docs/b.md, which is missing"],
                         mistakes(**{"README.md": "[b](docs/b.md)", "docs/a.md": ""}))

    def test_a_heading_that_is_missing(self):
        self.assertEqual(["README.md: leads to docs/a.md#two, but a.md has no such heading"],
                         mistakes(**{"README.md": "[b](docs/a.md#two)", "docs/a.md": "# One\n```\n# two\n```\n"}))

    def test_a_document_that_a_source_names(self):
        self.assertEqual(["host/x.cpp: names docs/b.md, which is missing"],
                         mistakes(**{"host/x.cpp": "// see docs/b.md", "docs/a.md": ""}))


if __name__ == "__main__":
    unittest.main()
