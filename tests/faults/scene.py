# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Small inputs for runs of the program, made of nothing but Python's own library: photographs, patches, a database."""
import math
import pathlib
import random
import sqlite3
import struct

WIDTH, HEIGHT = 240, 180


def photograph(path, shift):
    """The same blobs and edges in each, moved by `shift` pixels."""
    rng = random.Random(5)
    blobs = [(rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT), rng.uniform(2, 9), rng.uniform(-110, 110)) for _ in range(90)]
    pixels = [120.0] * (WIDTH * HEIGHT)
    for x0, y0, sigma, height in blobs:
        x0 += shift
        reach = int(3 * sigma)
        for y in range(max(0, int(y0) - reach), min(HEIGHT, int(y0) + reach)):
            for x in range(max(0, int(x0) - reach), min(WIDTH, int(x0) + reach)):
                pixels[y * WIDTH + x] += height * math.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * sigma * sigma))
    path.write_bytes(b"P5 %d %d 255\n" % (WIDTH, HEIGHT) + bytes(min(255, max(0, int(p))) for p in pixels))
    return [(x + shift, y, sigma) for x, y, sigma, _ in blobs if 30 < x + shift < WIDTH - 30 and 30 < y < HEIGHT - 30]


def npy(path, descr, shape, data):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + data)


def database(path, keypoints):
    """COLMAP's tables of 3.8 with a row of six columns a keypoint."""
    with sqlite3.connect(path) as db:
        db.executescript("""
          CREATE TABLE cameras(camera_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, model INTEGER NOT NULL, width INTEGER NOT NULL,
            height INTEGER NOT NULL, params BLOB, prior_focal_length INTEGER NOT NULL);
          CREATE TABLE images(image_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT NOT NULL UNIQUE, camera_id INTEGER NOT NULL);
          CREATE TABLE keypoints(image_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL, data BLOB);
          CREATE TABLE descriptors(image_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL, data BLOB);
          CREATE TABLE matches(pair_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL, data BLOB);
          CREATE TABLE two_view_geometries(pair_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL,
            data BLOB, config INTEGER NOT NULL, F BLOB, E BLOB, H BLOB);""")
        db.execute("INSERT INTO cameras VALUES(1, 0, ?, ?, ?, 1)", (WIDTH, HEIGHT, struct.pack("<3d", 250, WIDTH / 2, HEIGHT / 2)))
        for number, (name, points) in enumerate(keypoints.items(), 1):
            db.execute("INSERT INTO images VALUES(?, ?, 1)", (number, name))
            rows = b"".join(struct.pack("<6f", x, y, s, 0, 0, s) for x, y, s in points)
            db.execute("INSERT INTO keypoints VALUES(?, ?, 6, ?)", (number, len(points), rows))
    db.close()


def rows(path):
    """What a database holds of matches, in an order of its own."""
    with sqlite3.connect(path) as db:
        found = [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in ("keypoints", "matches", "two_view_geometries")]
    db.close()
    return repr(found).encode()


def make(folder, photographs=4):
    """Everything in `folder`; returns it as a path."""
    folder = pathlib.Path(folder)
    (folder / "pictures").mkdir(parents=True)
    keypoints = {f"{i}.pgm": photograph(folder / "pictures" / f"{i}.pgm", 6 * i) for i in range(photographs)}
    database(folder / "database.db", keypoints)
    rng = random.Random(3)
    side, count = 64, 24
    patches = b"".join(bytes(min(255, max(0, int(128 + 90 * math.sin((x * a + y * b) / 9.0) + rng.gauss(0, 6))))
                             for y in range(side) for x in range(side))
                       for a, b in ((math.cos(i), math.sin(i * 1.7)) for i in range(count)))
    npy(folder / "patches.npy", "|u1", f"({count}, {side}, {side})", patches)
    npy(folder / "pairs.npy", "<i4", "(12, 2)", struct.pack("<24i", *(i % count for i in range(0, 48, 2))))
    scene = folder / "photo-tour"
    scene.mkdir()
    npy(scene / "patches.npy", "|u1", f"({count}, {side}, {side})", patches)
    (scene / "info.txt").write_text("".join(f"{i // 2} 0\n" for i in range(count)))
    lines = [f"{i} {i // 2} 0 {i + 1} {i // 2} 0 0\n" for i in range(0, count, 2)]
    lines += [f"{i} {i // 2} 0 {(i + 4) % count} {(i + 4) % count // 2} 0 0\n" for i in range(0, count, 2)]
    (scene / "m50_12_12_0.txt").write_text("".join(lines))
    return folder
