#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import edges

CLEAN = {
    "CONTRIBUTING.md": f"before\n{edges.BEGIN}\n{edges.END}\nafter\n",
    "tests/lint/rooms.txt": "host/core: numbers\nhost/net: networks\nhost/cpu: an engine\n",
    "include/twinpatch/core/number.hpp": "",
    "include/twinpatch/net/model.hpp": '#include "twinpatch/core/number.hpp"\n',
    "host/core/number.cpp": '#include "twinpatch/core/number.hpp"\n',
    "host/core/CMakeLists.txt": "twinpatch_library(core SOURCES number.cpp PRIVATE fmt::fmt)",
    "host/net/model.cpp": '#include "twinpatch/net/model.hpp"\n',
    "host/net/CMakeLists.txt": "twinpatch_library(net SOURCES model.cpp PUBLIC twinpatch::core)",
    "host/cpu/grid/tile.hpp": '#include "twinpatch/net/model.hpp"\n',
    "host/cpu/grid/tile.cpp": '#include "grid/tile.hpp"\n#include "twinpatch/core/number.hpp"\n',
    "host/cpu/engine.cpp": "",
    "host/cpu/CMakeLists.txt": "twinpatch_library(cpu SOURCES engine.cpp grid/tile.cpp PRIVATE twinpatch::net) # why",
}


def mistakes(changes=None, write=True):
    """What edges.py says about the clean house with some files changed; the map is drawn first."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**CLEAN, **(changes or {})}.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        said = io.StringIO()
        with contextlib.redirect_stderr(io.StringIO()):
            if write:
                edges.main(["--write", folder])
        with contextlib.redirect_stderr(said):
            code = edges.main([folder])
        lines = said.getvalue().splitlines()
        assert code == (1 if lines else 0)
        return lines


class Edges(unittest.TestCase):
    def assert_only(self, lines, *parts):
        self.assertEqual(len(lines), 1, lines)
        for part in parts:
            self.assertIn(part, lines[0])

    def test_a_clean_house(self):
        self.assertEqual(mistakes(), [])

    def test_a_missing_edge(self):
        said = mistakes({"host/core/number.cpp": '#include "twinpatch/net/model.hpp"\n',
                         "include/twinpatch/net/model.hpp": "", "host/net/model.cpp": "",
                         "host/net/CMakeLists.txt": "twinpatch_library(net SOURCES model.cpp)",
                         "host/cpu/grid/tile.cpp": '#include "grid/tile.hpp"\n'})
        self.assert_only(said, "host/core/number.cpp: line 1 includes include/twinpatch/net/model.hpp",
                         "core does not link twinpatch::net: add it to PRIVATE")

    def test_an_edge_is_not_inherited_through_a_private_one(self):
        said = mistakes({"host/net/CMakeLists.txt": "twinpatch_library(net SOURCES model.cpp PRIVATE twinpatch::core)"})
        self.assertEqual(len(said), 2, said)
        self.assertIn("host/cpu/grid/tile.cpp: line 2", said[0])
        self.assertIn("net does not link twinpatch::core: add it to PUBLIC", said[1])

    def test_a_superfluous_edge(self):
        said = mistakes({"host/cpu/CMakeLists.txt":
                         "twinpatch_library(cpu SOURCES engine.cpp grid/tile.cpp PRIVATE twinpatch::net"
                         " twinpatch::core)",
                         "host/cpu/grid/tile.cpp": '#include "grid/tile.hpp"\n'})
        self.assert_only(said, "host/cpu/CMakeLists.txt", "cpu links twinpatch::core, but includes nothing of it")

    def test_a_public_edge_that_only_sources_need(self):
        said = mistakes({"host/cpu/CMakeLists.txt":
                         "twinpatch_library(cpu SOURCES engine.cpp grid/tile.cpp PUBLIC twinpatch::net)"})
        self.assert_only(said, "cpu links twinpatch::net PUBLIC", "PRIVATE is enough")

    def test_a_private_header_of_another_room_is_an_include_too(self):
        said = mistakes({"host/net/model.cpp": '#include "twinpatch/net/model.hpp"\n#include "cpu/grid/tile.hpp"\n'})
        self.assertTrue(any("net does not link twinpatch::cpu" in line for line in said), said)

    def test_an_edge_to_a_library_that_is_not_there(self):
        said = mistakes({"host/core/CMakeLists.txt":
                         "twinpatch_library(core SOURCES number.cpp PRIVATE twinpatch::lost)"})
        self.assert_only(said, "core links twinpatch::lost, which is no library")

    def test_a_circle_through_public_headers(self):
        said = mistakes({"include/twinpatch/core/number.hpp": '#include "twinpatch/net/model.hpp"\n',
                         "host/core/CMakeLists.txt":
                         "twinpatch_library(core SOURCES number.cpp PUBLIC twinpatch::net)"})
        self.assert_only(said, "include/twinpatch/core/number.hpp: line 1", "core → net → core")

    def test_sub_rooms_with_libraries_of_their_own(self):
        said = mistakes({"host/cpu/grid/CMakeLists.txt": "twinpatch_library(cpu_grid SOURCES tile.cpp)",
                         "host/cpu/CMakeLists.txt": "set(ENGINE engine.cpp)\ntwinpatch_library(cpu SOURCES ${ENGINE})",
                         "tests/lint/rooms.txt": CLEAN["tests/lint/rooms.txt"] + "host/cpu/grid: tiles\n"})
        self.assertEqual(len(said), 2, said)
        self.assertIn("cpu_grid does not link twinpatch::core", said[0])
        self.assertIn("cpu_grid does not link twinpatch::net", said[1])

    def test_two_libraries_in_one_folder(self):
        said = mistakes({"host/cpu/grid/tile2.cpp": "", "host/net/CMakeLists.txt": CLEAN["host/net/CMakeLists.txt"] +
                         "\ntwinpatch_library(net_more SOURCES more.cpp)"})
        self.assertTrue(any("holds sources of net and of net_more" in line for line in said), said)

    def test_the_map(self):
        self.assert_only(mistakes(write=False), "CONTRIBUTING.md: shows another map")
        self.assert_only(mistakes({"tests/lint/rooms.txt": "host/core: numbers\nhost/net: networks\n"}),
                         "rooms.txt has no line for host/cpu")
        with tempfile.TemporaryDirectory() as folder:
            for name, text in CLEAN.items():
                Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
                Path(folder, name).write_text(text)
            self.assertEqual(edges.main(["--write", folder]), 0)
            page = Path(folder, "CONTRIBUTING.md").read_text()
        self.assertIn("    core ◄ net ◄ cpu\n", page)
        self.assertIn("| `host/net` | networks | core |", page)
        self.assertTrue(page.startswith("before\n") and page.endswith("\nafter\n"))


if __name__ == "__main__":
    unittest.main()
