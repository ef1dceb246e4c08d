#!/usr/bin/env python3
"""Runs the commands that a page or a lesson shows.

  shown.py FILE FOLDER BIN [--update]

In a page (.md), each line of a ```console block that begins with "$ " is run, and what it prints must be what stands below it;
every picture that the page links to must be drawn by one of its commands, and lie beside it. In a lesson (.cpp), each command of
the opening comment is run, and must succeed, but for those that need a FOLDER of files. FOLDER is emptied and worked in; BIN has gdjit and the programs. --update writes what
the commands print, and the pictures, to the page.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

SKIPPED = 77


class Runner:
    """Runs commands in a folder that holds what lies beside the source, but none of its pictures."""

    def __init__(self, root: pathlib.Path, folder: pathlib.Path, programs: pathlib.Path):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for entry in root.iterdir():
            if entry.name not in ("pictures", "build", ".git"):
                (folder / entry.name).symlink_to(entry)
        (folder / "build").mkdir()
        (folder / "build" / "bin").symlink_to(programs)
        self.folder = folder
        self.environment = dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}", XDG_CACHE_HOME=str(folder / "cache"))

    def run(self, command: str) -> tuple[int, list[str]]:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.splitlines()


def comparable(line: str) -> str:
    """A line with its seconds, rates and columns of places left open: compilers see other columns."""
    line = re.sub(r"in \S+ s, \S+ steps/s", "in … s, … steps/s", line)
    return re.sub(r" +@", " @", re.sub(r"(\.cpp:\d+):\d+", r"\1", line))


def check_page(page: pathlib.Path, runner: Runner, update: bool) -> list[str]:
    faults, written, shown, command, inside = [], [], [], None, False
    (runner.folder / "pictures").mkdir(exist_ok=True)

    def finish() -> None:
        nonlocal command, shown
        if command is not None:
            code, printed = runner.run(command)
            if code != 0:
                faults.append(f"$ {command}\n  exits with {code}: {' '.join(printed[:3])}")
            elif not update and list(map(comparable, printed)) != list(map(comparable, shown)):
                faults.append("\n".join([f"$ {command}", "  shown:", *shown, "  printed:", *printed]))
            written.extend(printed)
        command, shown = None, []

    for line in page.read_text().splitlines():
        if line == "```console":
            inside = True
        elif inside and (line.startswith("$ ") or line == "```"):
            finish()
            inside = line != "```"
            command = line[2:] if inside else None
        elif inside:
            shown.append(line)
            continue
        written.append(line)

    pictures = re.findall(r"!\[[^]]*\]\(([^)]*)\)", page.read_text())
    for picture in pictures:
        drawn = runner.folder / picture
        if not drawn.is_file():
            faults.append(f"no command draws {picture}")
        elif update:
            (page.parent / picture).parent.mkdir(exist_ok=True)
            shutil.copy(drawn, page.parent / picture)
        elif not (page.parent / picture).is_file():
            faults.append(f"{picture} is missing beside the page")
    for kept in sorted((page.parent / "pictures").glob("*")):
        if f"pictures/{kept.name}" not in pictures:
            faults.append(f"pictures/{kept.name} is shown nowhere")
    if update and not faults:
        page.write_text("\n".join(written) + "\n")
    return faults


def check_lesson(lesson: pathlib.Path, runner: Runner) -> list[str]:
    faults = []
    commands = re.findall(r"^//     ((?:gdjit|build/bin/)\S*.*)$", lesson.read_text(), re.MULTILINE)
    for command in commands:
        command = re.split(r" {2,}", command)[0]  # what follows says what it shows
        if "FOLDER" in command:
            continue
        code, printed = runner.run(command)
        if code != 0:
            faults.append(f"{command}\n  exits with {code}: {' '.join(printed[:3])}")
    return faults if commands else ["no command in the opening comment"]


def main() -> int:
    file, folder, programs = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
    if shutil.which("gnuplot") is None:
        print("skipped: gnuplot is not installed (package gnuplot-nox)")
        return SKIPPED
    if file.suffix == ".md":
        faults = check_page(file, Runner(file.parent, folder, programs), "--update" in sys.argv[4:])
    else:
        faults = check_lesson(file, Runner(file.parent.parent, folder, programs))
    for fault in faults:
        print(f"{file.name}: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
