# The same commands as in CONTRIBUTING.md and .ci/run.

# tests, in parallel
test *args:
    python -m pytest {{args}}

# everything that is checked without running
check:
    ruff check .
    ruff format --check .
    mypy
    lint-imports

# the main job
run:
    python -m loadstone demo

# what a change has to pass
ci:
    bash .ci/run

# CPU a request and rate beside wrk, hey, ab, locust and aiohttp, in one run
bench:
    python benchmarks/load/side_by_side.py
