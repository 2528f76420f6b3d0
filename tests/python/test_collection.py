# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Collections of photographs: COLMAP's database matched from Python, as by the program."""

import os
import shutil
import signal
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from conftest import run_program, scene, write_pgm

import twinpatch as tp
from twinpatch._program import PROGRAM, arguments_of

# The tables of COLMAP 3.8 that twinpatch reads or writes.
TABLES = """
CREATE TABLE cameras (camera_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, model INTEGER NOT NULL,
  width INTEGER NOT NULL, height INTEGER NOT NULL, params BLOB, prior_focal_length INTEGER NOT NULL);
CREATE TABLE images (image_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT NOT NULL UNIQUE,
  camera_id INTEGER NOT NULL, prior_qw REAL, prior_qx REAL, prior_qy REAL, prior_qz REAL, prior_tx REAL, prior_ty REAL,
  prior_tz REAL);
CREATE TABLE keypoints (image_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL, data BLOB);
CREATE TABLE descriptors (image_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL,
  data BLOB);
CREATE TABLE matches (pair_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL, data BLOB);
CREATE TABLE two_view_geometries (pair_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL,
  data BLOB, config INTEGER NOT NULL, F BLOB, E BLOB, H BLOB, qvec BLOB, tvec BLOB);
PRAGMA user_version = 3800;
"""


@pytest.fixture
def project(tmp_path):
    """A database of three photographs without keypoints, and their folder."""
    images = tmp_path / "images"
    images.mkdir()
    levels = scene(3)
    params = np.array([300, 150, 110], np.float64).tobytes()
    with sqlite3.connect(tmp_path / "database.db") as database:
        database.executescript(TABLES)
        database.execute("INSERT INTO cameras VALUES (1, 0, 300, 220, ?, 1)", [params])
        for i in range(3):
            write_pgm(images / f"{i}.pgm", np.ascontiguousarray(levels[5 * i : 220 + 5 * i, 8 * i : 300 + 8 * i]))
            database.execute("INSERT INTO images (name, camera_id) VALUES (?, 1)", [f"{i}.pgm"])
    database.close()
    return tmp_path / "database.db", images


def matches_in(database):
    with sqlite3.connect(database) as opened:
        return opened.execute("SELECT * FROM matches ORDER BY pair_id").fetchall()


def test_matches_of_a_database_equal_the_programs(project, tmp_path):
    database, images = project
    tp.match_colmap(database, images, extract=True, pairs="sequential:1", device="cpu")
    copy = tmp_path / "copy.db"
    shutil.copy(database, copy)
    with sqlite3.connect(copy) as opened:
        opened.execute("DELETE FROM matches")
    told = []
    result = tp.match_colmap(
        copy, images, model=tp.Model("hard128"), verify=True, device="cpu", progress=lambda *what: told.append(what)
    )
    assert result["pairs"] == 3 and result["pairs_with_matches"] == 3 and "next" in result
    assert {stage for stage, *_ in told} and all(isinstance(done, int) for _, done, _, _ in told)
    run_program("colmap", database, "--images", images, "--device", "cpu", "--run", tmp_path / "run", "--quiet")
    assert matches_in(copy) == matches_in(database) and len(matches_in(copy)) == 3


def test_a_run_goes_to_hloc(project, tmp_path):
    database, images = project
    run = tmp_path / "run"
    tp.match_colmap(database, images, extract=True, device="cpu", run=run)
    try:
        result = tp.export("hloc", run, out=tmp_path / "matches.h5")
    except tp.Error as error:
        assert "HDF5" in str(error)
        pytest.skip("this build has no HDF5")
    assert result["pairs"] == 3 and (tmp_path / "matches.h5").stat().st_size > 0


def test_what_the_program_refuses(project, tmp_path):
    database, images = project
    with pytest.raises(tp.InvalidArgument, match="--pears"):
        tp.match_colmap(database, images, pears=3)
    with pytest.raises(tp.Error, match="missing.db"):
        tp.match_colmap(tmp_path / "missing.db", images)
    with pytest.raises(tp.Error, match="no-such-model"):
        tp.match_colmap(database, images, model="no-such-model")
    with pytest.raises(tp.Error, match="run"):
        tp.export("hloc", tmp_path / "run", out=tmp_path / "matches.h5")


def test_warnings_are_pythons(project):
    database, images = project
    with pytest.warns(UserWarning, match="--max-error has no effect"):
        tp.match_colmap(database, images, extract=True, max_error=2, dry_run=False, device="cpu")


def test_control_c_ends_a_run(project):
    database, images = project
    tp.match_colmap(database, images, extract=True, pairs="sequential:1", device="cpu")

    def press_control_c(*_):
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        tp.match_colmap(
            database, images, model="2ch", device="cpu", run=database.with_name("long"), progress=press_control_c
        )
    assert tp.match_colmap(database, images, pairs="sequential:1", device="cpu")["pairs"] == 2


def test_options_become_arguments():
    options = {"max_error": 2.5, "verify": True, "extract": False, "ratio": None, "leave_out": ["a b.jpg", "c.jpg"]}
    assert arguments_of(options) == ["--max-error=2.5", "--verify", "--leave-out", "a b.jpg", "c.jpg"]


def test_the_program_is_beside_the_package():
    assert run_program("--version") == f"twinpatch {tp.__version__}\n"
    assert Path(tp.__file__).parent / "bin" / "twinpatch" == PROGRAM
