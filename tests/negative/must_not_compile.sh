#!/usr/bin/env bash
# A mistake that the compiler must refuse, and the form that it must take.
# usage: must_not_compile.sh COMPILER INCLUDE_DIR FILE
# FILE says "// error: REGEX" and holds the mistake under #ifdef MISTAKE, the right form under #else.
set -u
compile=("$1" -std=c++20 -Wall -Wextra -Werror "-I$2" -fsyntax-only "$3")
reason=$(sed -n 's|^// error: ||p' "$3")
[ -n "$reason" ] || { echo "$3: names no reason"; exit 1; }
if ! output=$("${compile[@]}" 2>&1); then
  echo "the right form does not compile:"; echo "$output"; exit 1
fi
if output=$("${compile[@]}" -DMISTAKE 2>&1); then
  echo "the mistake compiles"; exit 1
fi
grep -Eq "$reason" <<<"$output" || { echo "refused, but not for '$reason':"; echo "$output"; exit 1; }
