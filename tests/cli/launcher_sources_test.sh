#!/usr/bin/env bash
# Holds that the launcher looks at every file of ours that the build of the program reads, as make
# has written them down.   launcher_sources_test.sh BUILD_FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$(pwd -P)
build=$(cd "$1" && pwd -P)

read_by_the_build() {
  cd "$build"
  find . -path '*/moesim*.dir/*' \( -name '*.d' -o -name build.make \) -not -path './tests/*' \
    -exec cat {} + | cat - CMakeFiles/Makefile.cmake | tr -s ' :"()\\[:cntrl:]' '\n' | sort -u |
    grep -E '\.(cpp|h|cmake|html|css|js|txt|in|yaml|json)$' | xargs -d '\n' realpath -qe -- |
    grep -E "^$top/" | grep -vE "^($build|$top/tests)/" | sort -u
}

eval "$(sed -n '/^list_sources()/,/^}/p' moesim)"
read_files=$(read_by_the_build || true)
[ "$(wc -l <<<"$read_files")" -gt 100 ] || { echo "no dependencies of the build found in $build"; exit 1; }
unseen=$(comm -13 <(list_sources | cut -d' ' -f1 | sed "s|^|$top/|" | sort) <(echo "$read_files"))
[ -z "$unseen" ] || { printf 'the build reads what the launcher does not see:\n%s\n' "$unseen"; exit 1; }
