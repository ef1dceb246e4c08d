#!/usr/bin/env python3
"""Reads every #include of lib/ and include/ and holds it against the layers: an include may only point up the list."""
import pathlib, re, sys

LAYERS = ["Support", "IR", "Loop", "Ops", "Interp", "Frontend Autodiff Transforms", "Lowering", "Schedule Memory",
          "Runtime", "IO", "CodeGen", "JIT", "Driver", "Data", "Train"]
level = {c: i for i, row in enumerate(LAYERS) for c in row.split()}
LLVM = {"CodeGen", "JIT"}
root = pathlib.Path(sys.argv[1])
wrong = []
count = 0
for path in sorted([*root.glob("lib/*/**/*"), *root.glob("include/gdjit/*/*")]):
    component = path.relative_to(root / "include/gdjit" if "include" in path.relative_to(root).parts[0] else root / "lib").parts[0]
    if component not in level or path.suffix not in {".h", ".cpp", ".def"}:
        continue
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if not found:
            continue
        count += 1
        name = found.group(1)
        if name.startswith("llvm") and (component not in LLVM or "include" in path.relative_to(root).parts[0]):
            wrong.append(f"{path}:{number}: {name}: LLVM is for the sources of CodeGen and JIT only")
        target = re.match(r"gdjit/(\w+)/", name)
        if not target or target.group(1) == component:
            continue
        other = target.group(1)
        if other not in level:
            wrong.append(f"{path}:{number}: {name}: no such component")
        elif level[other] >= level[component]:
            wrong.append(f"{path}:{number}: {name}: {component} is not below {other}")
print("\n".join(wrong) if wrong else f"{count} includes in order")
sys.exit(1 if wrong or not count else 0)
