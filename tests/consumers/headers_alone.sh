#!/usr/bin/env bash
# Compiles each installed header alone. usage: headers_alone.sh COMPILER INCLUDE_DIR
set -u
cd "$2"
status=0 count=0
for header in gdjit/*.h gdjit/*/*.h; do
  count=$((count + 1))
  echo "#include <$header>" | "$1" -std=c++20 -Wall -Wextra -Werror -I. -fsyntax-only -x c++ - || { echo "failed: $header"; status=1; }
done
[ "$count" -gt 0 ] || status=1
echo "$count headers"
exit $status
