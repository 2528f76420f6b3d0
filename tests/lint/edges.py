#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Compares the libraries that CMake declares with what their files include, and draws the map of CONTRIBUTING.md.

A room is one twinpatch_library(): the folders of its sources, and include/twinpatch/NAME. These are mistakes:
  - a file includes a room that its library does not link, or (in a header that others see) does not link PUBLIC;
  - a library links a room that none of its files includes, or links PUBLIC what only its own files need;
  - rooms include each other in a circle;
  - CONTRIBUTING.md shows another map than the one drawn from CMake and rooms.txt.

usage: edges.py [--write] [ROOT]      --write puts the map into CONTRIBUTING.md
"""
import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

BEGIN, END = "<!-- map: tests/lint/edges.py --write -->", "<!-- end of map -->"
SOURCES = {".cpp", ".hpp", ".cu", ".cuh"}


@dataclass
class Room:
    name: str
    build_file: Path
    folders: set = field(default_factory=set)
    public: set = field(default_factory=set)  # names of rooms
    private: set = field(default_factory=set)


@dataclass(frozen=True)
class Include:
    file: Path
    line: int
    included: Path


# --- What CMake declares ---------------------------------------------------------------------------------------------

def calls(text, command):
    """The words between the brackets of each call, without comments."""
    text = re.sub(r"#.*", "", text)
    return [body.split() for body in re.findall(rf"(?<!\w){command}\(([^()]*(?:\([^()]*\)[^()]*)*)\)", text)]


def variables_of(build_file):
    """What set() gives in this file and in those that it include()s from its own folder."""
    text = build_file.read_text()
    variables = {words[0]: words[1:] for words in calls(text, "set") if words}
    for words in calls(text, "include"):
        beside = build_file.parent / words[0]
        if beside.is_file():
            variables |= variables_of(beside)
    return variables


def read_rooms(root):
    rooms = {}
    for build_file in sorted([*root.glob("host/**/CMakeLists.txt"), *root.glob("cuda/**/CMakeLists.txt")]):
        variables = variables_of(build_file)
        for name, *words in calls(build_file.read_text(), "twinpatch_library"):
            room = rooms.setdefault(name, Room(name, build_file))  # in both branches of an if(): one room
            listed = {"SOURCES": set(), "PUBLIC": room.public, "PRIVATE": room.private}
            into = listed["SOURCES"]
            for word in words:
                variable = re.fullmatch(r"\$\{(\w+)\}", word)
                if word in listed:
                    into = listed[word]
                else:  # a variable that CMake computes says nothing here
                    into |= set(variables.get(variable[1], [])) if variable else {word}
            room.folders |= {(build_file.parent / source).parent for source in listed["SOURCES"]} or {build_file.parent}
    for room in rooms.values():
        for links in (room.public, room.private):
            names = {word.removeprefix("twinpatch::") for word in links if word.startswith("twinpatch::")}
            links.clear()
            links |= names
    return rooms


# --- What files include ----------------------------------------------------------------------------------------------

class House:
    def __init__(self, root):
        self.root = root
        self.rooms = read_rooms(root)
        self.mistakes = []
        self.room_of_folder = {}
        for room in self.rooms.values():
            for folder in [*room.folders, root / "include/twinpatch" / room.name]:
                other = self.room_of_folder.setdefault(folder, room.name)
                if other != room.name:
                    self.complain(folder, f"holds sources of {other} and of {room.name}: one folder, one library")
        self.includes = self.read_includes()
        self.visible = self.headers_that_others_see()

    def complain(self, path, text):
        self.mistakes.append(f"{path.relative_to(self.root)}: {text}")

    def room_of(self, file):
        """The room of the nearest folder above the file; None where no library lists sources."""
        return next((self.room_of_folder[folder] for folder in file.parents if folder in self.room_of_folder), None)

    def find(self, file, name):
        """The file that #include "name" means: beside `file`, in a folder above it, or in include/."""
        above = [folder for folder in file.parents if folder.is_relative_to(self.root)]
        return next((folder / name for folder in [*above, self.root / "include"] if (folder / name).is_file()), None)

    def read_includes(self):
        found = []
        for top in ("include", "host", "cuda"):
            for file in sorted((self.root / top).rglob("*")):
                if file.suffix not in SOURCES:
                    continue
                if self.room_of(file) is None:
                    self.complain(file, "belongs to no library")
                for number, text in enumerate(file.read_text().splitlines(), 1):
                    name = re.match(r'\s*#\s*include\s+"([^"]+)"', text)
                    included = self.find(file, name[1]) if name else None
                    if included:
                        found.append(Include(file, number, included))
        return found

    def headers_that_others_see(self):
        """Public headers, those that a file of another room includes, and what these include in their own room."""
        seen = {file for file in (self.root / "include").rglob("*.hpp")}
        seen |= {i.included for i in self.includes if self.room_of(i.file) != self.room_of(i.included)}
        while True:
            more = {i.included for i in self.includes
                    if i.file in seen and self.room_of(i.file) == self.room_of(i.included)} - seen
            if not more:
                return seen
            seen |= more

    # --- The rules ---------------------------------------------------------------------------------------------------

    def public_closure(self, names):
        reached, waiting = set(), list(names)
        while waiting:
            name = waiting.pop()
            if name in reached or name not in self.rooms:
                continue
            reached.add(name)
            waiting += self.rooms[name].public
        return reached

    def check(self):
        needs = defaultdict(list)  # (room, room it includes) -> includes
        for include in self.includes:
            pair = self.room_of(include.file), self.room_of(include.included)
            if None not in pair and pair[0] != pair[1]:
                needs[pair].append(include)
        self.check_includes(needs)
        self.check_links(needs)
        for circle in circles({name: {b for a, b in needs if a == name} for name in self.rooms}):
            first = needs[circle[0], circle[1]][0]
            self.complain(first.file, f"line {first.line}: rooms in a circle: {' → '.join(circle)}")
        return self.mistakes

    def check_includes(self, needs):
        for (name, other), includes in sorted(needs.items()):
            room = self.rooms[name]
            by_headers = self.public_closure(room.public)
            by_sources = self.public_closure(room.public | room.private)
            for include in includes:
                visible = include.file in self.visible
                if other not in (by_headers if visible else by_sources):
                    how = "PUBLIC" if visible else "PRIVATE"
                    target = include.included.relative_to(self.root)
                    self.complain(include.file, f"line {include.line} includes {target}, but {name} does not link "
                                                f"twinpatch::{other}: add it to {how} or do without")
                    break  # one example an edge

    def check_links(self, needs):
        for room in self.rooms.values():
            for other in sorted(room.public | room.private):
                if other not in self.rooms:
                    self.complain(room.build_file, f"{room.name} links twinpatch::{other}, which is no library")
                elif not needs[room.name, other]:
                    self.complain(room.build_file, f"{room.name} links twinpatch::{other}, but includes nothing of it")
                elif other in room.public and not any(i.file in self.visible for i in needs[room.name, other]):
                    self.complain(room.build_file, f"{room.name} links twinpatch::{other} PUBLIC, but no header that "
                                                   "others see includes it: PRIVATE is enough")

    # --- The map -----------------------------------------------------------------------------------------------------

    def storeys(self):
        """{room: its height}: a room stands above all that it links."""
        heights = {}

        def height(name, on_the_way=()):
            if name in on_the_way or name not in self.rooms:
                return 0
            if name not in heights:
                links = self.rooms[name].public | self.rooms[name].private
                heights[name] = 1 + max((height(other, (*on_the_way, name)) for other in links), default=-1)
            return heights[name]

        return {name: height(name) for name in self.rooms}

    def map(self):
        """The ladder of storeys, then a table with a row for each room and for the other folders of rooms.txt."""
        lines = (self.root / "tests/lint/rooms.txt").read_text().splitlines()
        described = dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))
        heights = self.storeys()
        rooms = sorted(self.rooms.values(), key=lambda room: (heights[room.name], room.name))
        levels = groupby((room.name for room in rooms), key=heights.get)
        text = wrapped("    " + " ◄ ".join(", ".join(names) for _, names in levels))
        text += ["", "| folder | what lives there | links |", "|---|---|---|"]
        for room in rooms:
            folder = str(room_folder(room).relative_to(self.root))
            if folder not in described:
                self.complain(room.build_file, f"tests/lint/rooms.txt has no line for {folder}")
            links = ", ".join(sorted(room.public | room.private, key=lambda name: (-heights.get(name, 0), name)))
            text.append(f"| `{folder}` | {described.pop(folder, '')} | {links} |")
        for folder, description in described.items():
            if not (self.root / folder).is_dir():
                self.complain(self.root / "tests/lint/rooms.txt", f"{folder} is no folder")
            text.append(f"| `{folder}` | {description} | |")
        return "\n".join(text)


def room_folder(room):
    """The folder that holds the room: its sources' own, or that above all of them."""
    highest = min(room.folders, key=lambda folder: len(folder.parts))
    return highest if all(folder.is_relative_to(highest) for folder in room.folders) else room.build_file.parent


def wrapped(line, width=110):
    lines = [line]
    while len(lines[-1]) > width:
        cut = lines[-1].rfind(" ◄ ", 0, width)
        lines[-1:] = [lines[-1][:cut], "      " + lines[-1][cut:]]
    return lines


def circles(graph):
    """One circle [a, b, …, a] for each set of rooms that reach each other."""
    found, in_a_circle = [], set()
    for start in sorted(graph):
        paths = [[start]]
        seen = set()
        while paths and start not in in_a_circle:
            path = paths.pop(0)
            for name in sorted(graph.get(path[-1], ())):
                if name == start:
                    found.append([*path, start])
                    in_a_circle |= set(path)
                    break
                if name not in seen:
                    seen.add(name)
                    paths.append([*path, name])
    return found


def main(arguments):
    write = "--write" in arguments
    rest = [argument for argument in arguments if argument != "--write"]
    root = Path(rest[0] if rest else Path(__file__).parents[2]).resolve()
    house = House(root)
    mistakes = house.check()
    page = root / "CONTRIBUTING.md"
    text = page.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[-1]
    drawn = f"{before}{BEGIN}\n\n{house.map()}\n\n{END}{after}"
    if write:
        page.write_text(drawn)
    elif drawn != text:
        house.complain(page, "shows another map than the build has: run tests/lint/edges.py --write")
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
