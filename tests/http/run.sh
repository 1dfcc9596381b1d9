#!/bin/sh
# HTTP dialogues against `pm serve`: see run.py. Ends with `N passed, N failed`.
exec python3 "$(dirname "$0")/run.py" "$@"
