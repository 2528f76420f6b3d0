#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the seed inputs of every fuzz target into corpus/TARGET/ (those that are not found faults). Needs h5py for hloc's files.

The inputs are in the repository: this is run when a format changes or a target is new.
"""
import io
import json
import pathlib
import sqlite3
import struct
import sys
import tempfile
import zlib

from network_seeds import models
from seed_files import le, seed


def scenes():
    def files(*parts):  # all but the last with their length
        *first, (number, content) = parts
        return b"".join(bytes([n, 1, len(c)]) + c for n, c in first) + bytes([number, 0]) + content
    interest = b"7 1.5 2 0 1\n7 2 2.5 0 1.1\n8 1 2 0.5 -3\n8 9 9 0 1e9\n"
    manifest = b'{"options": {"patch_extent": 12.0}}'
    lists = b"0 0 0 1 0 0 0\n2 1 0 3 1 0 0\n0 0 0 2 1 0 0\n1 0 0 3 1 0 0\n"
    seed("scene", "all", files((1, manifest), (2, lists), (0, interest)))
    seed("scene", "interest", files((0, interest)))
    seed("scene", "contradiction", files((2, b"0 0 0 2 0 0 0\n")))
    seed("scene", "manifest", files((1, b'{"options": {"patch_extent": -1}}')))
    seed("scene", "info", files((0, interest), (3, b"5 0\n6 0\n5 0\n7 0\n")))


def candidates():
    def npy(descr, shape, data):
        header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
        return b"\x93NUMPY\1\0" + le("H", len(header)) + header.encode() + data
    manifest = b'{"schema": "twinpatch.candidates/1", "options": {"first": "", "candidates": 1, "patch_extent": 1}}'
    measures = le("12f", 0, 0, 0, 0, -1, 1, 1, 1, 2, 2, 2, 2)
    seed("candidates", "manifest", bytes([0, 0]) + manifest)
    seed("candidates", "version", bytes([0, 0]) + manifest.replace(b"candidates/1", b"candidates/2"))
    seed("candidates", "images", bytes([1, 0]) + npy("<i4", "(3,)", le("3i", 2, 0, 2)))
    seed("candidates", "keypoints", bytes([2, 0]) + npy("<f4", "(4, 4)", le("16f", *[1] * 16)))
    seed("candidates", "lists", bytes([3, 0]) + npy("<i4", "(1, 2)", le("2i", 0, 3)))
    seed("candidates", "range", bytes([4, 0]) + npy("<i4", "(3, 2)", le("6i", 3, 1, 4, 0, 0, 1)))
    seed("candidates", "measures", bytes([5, 0]) + npy("<f4", "(3, 4)", measures))


def lists_and_numbers():
    seed("json", "all.json", '{"n": null, "b": [true, false], "i": -12, "d": 1.5e-3, "t": "\\u00f6\\n\\"", "a": {"a": {}}}')
    seed("json", "calibration.json", '{"scale": -2.5, "offset": 1}')
    seed("json", "deep.json", "[" * 40 + "]" * 40)
    seed("json", "numbers.json", "[9223372036854775807, 9223372036854775808, -9223372036854775809, 1e400]")

    def npy(descr, shape, data, version=1):
        header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(53) + "\n"
        length = le("H", len(header)) if version == 1 else le("I", len(header))
        return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + data

    seed("npy", "patches.npy", npy("|u1", "(2, 3, 3)", bytes(range(18))))
    seed("npy", "raw.npy", npy("<f4", "(1, 2, 2)", le("4f", 1, 2, 3, 4), 2))
    seed("npy", "pairs.npy", npy("<i4", "(2, 2)", le("4i", 0, 1, 2, 3)))
    seed("npy", "labelled.npy", npy("<i8", "(1, 3)", le("3q", 0, 1, 1)))
    seed("npy", "keypoints.npy", npy("<f4", "(1, 4)", le("4f", 1, 2, 3, 0)))
    seed("keypoints", "plain.txt", "# x y sigma angle\n10.5 20.25 2 0.5\n1e1,2,3,-1\n")
    seed("keypoints", "lowe.txt", "1 2\n1 2 3 4 7 8\n")
    seed("keypoints", "overflow.txt", "1 9223372036854775807\n1 2 3 4\n")
    matrix = "1.5, -0.2, 30., 0.1, 1.2, -4., 1e-04, -2e-05, 1."
    seed("homography", "plain", matrix.replace(",", "").replace("30.", "30.\n") + " # H\n")
    seed("homography", "opencv.xml", '<?xml version="1.0"?>\n<opencv_storage>\n<H type_id="opencv-matrix">\n  <rows>3</rows>\n'
         f'  <cols>3</cols>\n  <dt>d</dt>\n  <data>\n{matrix.replace(",", "")}</data></H>\n</opencv_storage>\n')
    seed("homography", "opencv.yml", "%YAML:1.0\n---\nH: !!opencv-matrix\n   rows: 3\n   cols: 3\n   dt: d\n"
         f"   data: [ {matrix} ]\n")
    seed("homography", "opencv.json", '{"H": {"type_id": "opencv-matrix", "rows": 3, "cols": 3, "dt": "d", "data": '
         "[1.5, -0.2, 30.0, 0.1, 1.2, -4.0, 1e-04, -2e-05, 1.0]}}")
    seed("homography", "endless.yml", '%YAML:1.0\n---\nH: !!opencv-matrix\n   rows: 3\n   cols: 3\n   dt: "3(2147483647d"\n   data: [ ]')
    seed("homography", "deep.yml", "%YAML:1.0\n---\nH: " + "[" * 500)
    seed("lists", "images", "\0a b\na b\tb a\n# c\n\"a\"  dir/c.jpg\na b b a\nx y z a\n")
    seed("lists", "words", "\0" + "a " * 300)
    seed("lists", "info", "\1" + "0 0\n0 0\n1 0\n")
    seed("lists", "pairs", "\2" + "0 1\n2 3\n")
    seed("lists", "photo-tour-pairs", "\2" + "0 5 0 1 5 0 0\n2 5 0 3 6 0 0\n")


def png(width, height, colour=0, depth=8):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    bytes_per_pixel = {0: 1, 2: 3, 6: 4}[colour] * depth // 8
    rows = b"".join(b"\0" + bytes((x * 7 + y) % 256 for x in range(width * bytes_per_pixel)) for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def tiff(width, height, orientation=1):
    pixels = bytes(range(width * height))
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
            (274, 3, 1, orientation), (277, 3, 1, 1), (278, 3, 1, height), (279, 4, 1, len(pixels))]
    offset = 8 + len(pixels)
    directory = le("H", len(tags)) + b"".join(le("HHII", *tag) for tag in tags) + le("I", 0)
    return b"II*\0" + le("I", offset) + pixels + directory


def bmp(side, count):
    rows = bytes(side * side)
    palette = b"".join(bytes((i, i, i, 0)) for i in range(256))
    return b"BM" + le("IHHI", 54 + 1024 + len(rows), 0, 0, 54 + 1024) + le("IiiHHIIiiII", 40, side, count, 1, 8, 0, len(rows), 1, 1, 256, 0) + palette + rows


def images():
    pgm = b"P5 4 3 255\n" + bytes(range(12))
    for name, content in {"grey.png": png(5, 4), "colour.png": png(4, 4, 2), "grey16.png": png(3, 3, 0, 16), "alpha.png": png(3, 3, 6),
                          "grey.pgm": pgm, "colour.ppm": b"P6 2 2 255\n" + bytes(12), "grey16.pgm": b"P5 2 2 65535\n" + bytes(8),
                          "stored.tiff": tiff(4, 3), "turned.tiff": tiff(4, 3, 6), "small.bmp": bmp(4, 4)}.items():
        seed("image", name, b"\0" + content)
    # The readers' folders: number of the name, length, bytes.

    def folder(*files):
        return b"\1" + b"".join(bytes([number]) + le("H", len(content)) + content for number, content in files)
    seed("image", "sequence", folder((0, pgm), (1, pgm), (2, b"1 0 0 0 1 0 0 0 1")))
    seed("image", "hpatches", folder((3, png(65, 65)), (4, png(65, 65))))
    npy = b"\x93NUMPY\1\0" + le("H", 70) + b"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 2), }".ljust(69) + b"\n" + bytes(4)
    seed("image", "photo-tour", folder((6, b"0 0\n"), (7, npy)))


def plans():
    plan = {"schema": "twinpatch.plan/1", "id": "0" * 32, "model": "m", "rerank_model": "", "numbers": "fp32", "mutual": True,
            "ratio": "0.8", "threshold": "-inf", "two_stages": "two stages: 1 similarity", "patch_settings": "p", "pair_key": "k",
            "tile_keypoints": 4, "images": [["a", 2, "k"], [{"bytes": "ff"}, 3, "k"]], "blocks": [[0, 2, 0, 2, 1, 6]]}
    seed("plan", "wrong-id.json", json.dumps(plan))
    seed("plan", "large-number.json", json.dumps({**plan, "tile_keypoints": 1e300}))
    seed("plan", "deep-schema.json", json.dumps(plan).replace('"twinpatch.plan/1"', "[" * 200 + "]" * 200))
    line = {"block": "a", "checksum": "00ff", "pairs": 1, "matches": 2, "seconds": 0.5}
    seed("run_folder", "journal", b"\2" + (json.dumps(line) + "\n{\"block\": \"b").encode())
    block = b"\1\0" + bytes([0, 1, 0, 1]) + b"\1\0" + b"\1"
    seed("run_folder", "one-block", b"\0" + b"\1\1\2" + b"\1" + block + b"\1\1\1" + b"\1\0\1\0\1\1" + b"\1\1" + bytes(8))
    seed("run_folder", "wild-block", b"\1" + b"\1\1\2" + b"\1" + block + b"\x20tpblock1" + bytes(30))
    seed("descriptors", "fits", b"\1\1\1" + le("6f", *range(6)))
    seed("descriptors", "other-rows", b"\1\0" + le("q", 1 << 40) + b"\1" + le("6f", *range(6)))
    seed("descriptors", "file", b"\0tpdescr1" + b"0123456789abcdef" * 2 + le("qqQ", 2, 3, 0) + bytes(24))


def colmap():
    floats = le("12f", *range(12))
    seed("colmap_blob", "matches", b"\0\1\0" + bytes(8) + le("4i", 0, 1, 2, 3))
    seed("colmap_blob", "keypoints", b"\1\1\2" + bytes(8) + floats)
    seed("colmap_blob", "points", b"\2\1\0" + bytes(8) + floats)
    seed("colmap_blob", "rows", b"\0\0" + le("qq", 2, 1 << 62) + floats)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "d.db"
        database = sqlite3.connect(path)
        database.executescript("""
          PRAGMA page_size = 512; VACUUM;
          CREATE TABLE cameras(camera_id INTEGER PRIMARY KEY, model, width, height, params BLOB, prior_focal_length);
          CREATE TABLE images(image_id INTEGER PRIMARY KEY, name TEXT, camera_id);
          CREATE TABLE keypoints(image_id INTEGER PRIMARY KEY, rows, cols, data BLOB);
          CREATE TABLE matches(pair_id INTEGER PRIMARY KEY, rows, cols, data BLOB);
          CREATE TABLE two_view_geometries(pair_id INTEGER PRIMARY KEY, rows, cols, data BLOB, config, F BLOB, E BLOB, H BLOB);""")
        database.execute("INSERT INTO cameras VALUES(1, 0, 64, 48, ?, 1)", (le("3d", 50, 32, 24),))
        for number in (1, 2):
            database.execute("INSERT INTO images VALUES(?, ?, 1)", (number, f"{number}.jpg"))
            database.execute("INSERT INTO keypoints VALUES(?, 2, 6, ?)", (number, floats))
        database.execute("INSERT INTO matches VALUES(2147483649, 1, 2, ?)", (le("2i", 0, 1),))
        database.commit()
        seed("colmap_database", "two-images.db", path.read_bytes())
        database.executescript("""
          ALTER TABLE images RENAME TO hidden;
          CREATE VIEW images(image_id, name, camera_id) AS WITH RECURSIVE n(i) AS
            (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 'x' || i, 1 FROM n;""")
        database.commit()
        database.close()
        seed("colmap_database", "endless-view.db", path.read_bytes())
    # One camera, two images, two rows of keypoints, a match: each a choice of 5 and more takes the usual type.
    usual = bytes([11])
    number = usual + b"\1" + bytes([2])

    def blob(content):
        return usual + bytes([len(content)]) + content
    camera = number * 4 + blob(le("3d", 50, 32, 24)) + number
    image = [usual + b"\1" + bytes([i]) + blob(b"a.jpg") + number for i in (1, 2)]
    keypoints = [usual + b"\1" + bytes([i]) + usual + b"\1\2" + usual + b"\1\6" + blob(floats) for i in (1, 2)]
    match = usual + b"\1\0" + usual + b"\1\1" + usual + b"\1\2" + blob(le("2i", 0, 1))
    seed("colmap_database", "rows", b"\1" + camera + b"\2" + b"".join(image) + b"\2" + b"".join(keypoints) + b"\1" + match)

    def model(form, cameras, pictures, points):
        return bytes([form]) + le("H", len(cameras)) + cameras + le("H", len(pictures)) + pictures + points
    cameras = le("QIiQQ3d", 1, 1, 0, 64, 48, 50, 32, 24)

    def picture(number, x):
        pose = le("7d", 1, 0, 0, 0, 0, 0, number)
        return le("I", number) + pose + le("I", 1) + b"a.jpg\0" + le("Qddq", 1, x, 20, 1)
    points = le("Q", 1) + le("q3d3BdQ", 1, 0, 0, 5, 1, 2, 3, 0.5, 2) + le("4I", 1, 0, 2, 0)
    seed("colmap_model", "binary", model(0, cameras, le("Q", 2) + picture(1, 30) + picture(2, 31), points))
    seed("colmap_model", "binary-far", model(0, cameras, le("Q", 2) + picture(1, 1e30) + picture(2, float("inf")), points))
    seed("colmap_model", "text", model(1, b"# c\n1 SIMPLE_PINHOLE 64 48 50 32 24\n",
         b"1 1 0 0 0 0 0 1 1 a.jpg\n30 20 1\n2 1 0 0 0 0 0 2 1 b c.jpg\n31 20 1\n", b"1 0 0 5 1 2 3 0.5 1 0 2 0\n"))
    seed("colmap_model", "tracks", b"\2" + b"1 0 0 5 0.5 2\n0 1 2 3 0.5\n1 4 5 3 0.5\n")


def others():
    view = {"key": 0, "value": {"polymorphic_id": 1, "ptr_wrapper": {"id": 1, "data": {
        "local_path": "", "filename": "a.jpg", "width": 64, "height": 48, "id_view": 0, "id_intrinsic": 0, "id_pose": 0}}}}
    project = {"sfm_data_version": "0.3", "root_path": "/x", "views": [view], "intrinsics": [], "extrinsics": []}
    seed("openmvg", "project", b"\0" + json.dumps(project).encode())
    seed("openmvg", "features", b"\1" + b"1.5 2.5 3 0.25\n10 20 1 0\n")
    try:
        import h5py
        import numpy
    except ImportError:
        sys.exit("make_seeds: no h5py: hloc's files are as they were")
    for name, options in (("features.h5", {}), ("packed.h5", {"compression": "gzip", "chunks": (2, 2)})):
        packed = io.BytesIO()
        with h5py.File(packed, "w") as file:
            group = file.create_group("a.jpg")
            group.create_dataset("keypoints", data=numpy.arange(6, dtype=numpy.float16).reshape(3, 2), **options)
            group.create_dataset("image_size", data=numpy.array([64, 48]))
            group.create_dataset("scales", data=numpy.ones(3, numpy.float32))
        seed("hloc", name, packed.getvalue())
    packed = io.BytesIO()
    with h5py.File(packed, "w") as file:
        group = file.create_group("a.jpg/b.jpg")
        group.create_dataset("matches0", data=numpy.array([0, -1, 2]))
        group.create_dataset("matching_scores0", data=numpy.ones(3, numpy.float16))
    seed("hloc", "matches.h5", packed.getvalue())


models()
scenes()
candidates()
lists_and_numbers()
images()
plans()
colmap()
others()
