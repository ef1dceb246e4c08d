#!/usr/bin/env bash
# Builds and runs a program that uses gdjit. usage: consume.sh find_package|pkg_config|readme|add_subdirectory SOURCE BUILD CXX
set -euo pipefail
kind=$1 source=$2 build=$3 cxx=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$source/tests/consumers
if [ "$kind" = add_subdirectory ]; then
  # The flags of the build under test, so that ccache gives the objects back.
  cmake -S "$here/add_subdirectory" -B "$work/out" -G Ninja -DGDJIT_SOURCE_DIR="$source" \
    -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_BUILD_TYPE=Release -DGDJIT_WERROR=ON
  cmake --build "$work/out"
  "$work/out/program"
  exit 0
fi
cmake --install "$build" --prefix "$work/prefix" >/dev/null
if [ "$kind" = find_package ]; then
  cmake -S "$here/find_package" -B "$work/out" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$cxx"
  cmake --build "$work/out"
  "$work/out/program"
  "$work/prefix/bin/gdjit" train "$(find "$work/out" -name '*line_model*.so')" --steps 10 >/dev/null
else
  pc=$(dirname "$(find "$work/prefix" -name gdjit.pc)")
  export PKG_CONFIG_PATH=$pc
  # shellcheck disable=SC2046
  program=$here/program.cpp
  if [ "$kind" = readme ]; then # the program that README.md shows
    program=$work/line.cpp
    awk '/^```cpp/ { inside = 1; next } /^```/ { if (inside) exit } inside' "$source/README.md" > "$program"
    grep -q GDJIT_MODEL "$program"
  fi
  "$cxx" ${CXXFLAGS:-} "$program" -o "$work/program" $(pkg-config --cflags --libs gdjit)
  # shellcheck disable=SC2155
  export LD_LIBRARY_PATH=$(pkg-config --variable=libdir gdjit)
  "$work/program" | tee "$work/printed"
  [ "$kind" != readme ] || grep -qxFf "$work/printed" "$source/README.md"
fi
