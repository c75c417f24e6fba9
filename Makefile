PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
SPARK_INSTALLED := .venv/.spark
DASK_INSTALLED := .venv/.dask
MUTATE_INSTALLED := .venv/.mutate
PICTURES_INSTALLED := .venv/.pictures
BENCH_BIN := .venv-bench/bin
BENCH_INSTALLED := .venv-bench/.installed

export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export GX_ANALYTICS_ENABLED := false

.PHONY: demo up down test test-cases spark dask lint format docs pictures lock bench-ingest bench-evaluate bench-review bench-digest bench-prefect bench-scale drill mutate

# The lock holds every package: without --no-deps, pip before 23.3 looks past it for what a dependency names with an extra.
$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	touch $(INSTALLED)

demo: $(INSTALLED)
	$(BIN)/fivestar demo $(ARGS)

up: $(INSTALLED)
	$(BIN)/fivestar up $(ARGS)

down: $(INSTALLED)
	$(BIN)/fivestar down $(ARGS)

# Spark and its Java are 400 MB that only FIVESTAR_ENGINE=spark and the tests need.
$(SPARK_INSTALLED): $(INSTALLED) requirements-spark.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps --no-build-isolation \
		-r requirements-spark.lock
	touch $(SPARK_INSTALLED)

spark: $(SPARK_INSTALLED)

# Dask brings no more than 25 MB on top of requirements.lock, which its lock leaves out.
$(DASK_INSTALLED): $(INSTALLED) requirements-dask.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r requirements-dask.lock
	touch $(DASK_INSTALLED)

dask: $(DASK_INSTALLED)

# A worker for each core and one for what waits (tests/conftest.py), but no more than four: each holds about a
# gigabyte. ARGS=-n0 runs all in one process.
test: $(SPARK_INSTALLED) $(DASK_INSTALLED)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder $(ARGS)

# The rules' worked cases alone; how to add one: docs/cases.zh-CN.md.
test-cases: $(INSTALLED)
	$(BIN)/python -m pytest tests/cases $(ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(INSTALLED)
	$(BIN)/python docs/write_data_dictionary.py
	$(BIN)/python docs/write_commands.py
	$(BIN)/python docs/write_configuration.py

$(PICTURES_INSTALLED): $(INSTALLED) requirements-pictures.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r requirements-pictures.lock
	touch $(PICTURES_INSTALLED)

# The documents' pictures, from the demo in var/ or ARGS="--home DIR".
pictures: $(PICTURES_INSTALLED)
	$(BIN)/python docs/take_pictures.py $(ARGS)

# What is measured against stays apart, so that the locked environment is the same with and without it.
$(BENCH_INSTALLED): requirements-bench.lock
	$(PYTHON) -m venv .venv-bench
	$(BENCH_BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r requirements-bench.lock
	touch $(BENCH_INSTALLED)

bench-ingest: $(INSTALLED) $(BENCH_INSTALLED)
	$(BIN)/python -m benchmarks.ingest --dlt-python $(BENCH_BIN)/python $(ARGS)

bench-evaluate: $(INSTALLED)
	$(BIN)/python -m benchmarks.evaluate $(ARGS)

bench-review: $(INSTALLED)
	$(BIN)/python -m benchmarks.review $(ARGS)

bench-digest: $(INSTALLED)
	$(BIN)/python -m benchmarks.digest $(ARGS)

bench-prefect: $(INSTALLED)
	$(BIN)/python -m benchmarks.prefect_overhead $(ARGS)

# ARGS=HOME, an installation that has run.
bench-scale: $(INSTALLED)
	$(BIN)/python -m benchmarks.scale $(ARGS)

# A month's work killed at fifty instants, done again each time: twenty minutes. What the killed leave behind of
# Python's own is cleaned up at the end, without a line for each.
drill: $(INSTALLED)
	PYTHONPATH=tests:tests/drills PYTHONWARNINGS=ignore::UserWarning:multiprocessing.resource_tracker \
		$(BIN)/python tests/drills/kill_drill.py $(ARGS)

$(MUTATE_INSTALLED): $(SPARK_INSTALLED) requirements-mutate.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r requirements-mutate.lock
	touch $(MUTATE_INSTALLED)

# Each mutant is a small mistake in a rule; one that no test notices is listed at the end. It takes about an hour.
mutate: $(MUTATE_INSTALLED)
	CI=true $(BIN)/python -m mutmut run $(ARGS)
	$(BIN)/python -m mutmut results

lock: $(INSTALLED)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --extra dev --output-file requirements.lock pyproject.toml
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
	| $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --constraint requirements.lock --extra postgresql \
		--output-file requirements-run.lock pyproject.toml -
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --group bench --output-file requirements-bench.lock
	$(BIN)/python -c 'import tomllib; groups = tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]; \
		print(*groups["pictures"], sep="\n")' \
	| $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --constraint requirements.lock --output-file requirements-pictures.lock -
	$(BIN)/python -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
		print(*extras["spark"], sep="\n")' \
	| $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --constraint requirements.lock --output-file requirements-spark.lock -
	$(BIN)/python -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
		print(*extras["dask"], sep="\n")' \
	| $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --constraint requirements.lock \
		$$(sed -nE 's/^([a-z0-9.-]+)(\[[^]]*\])?==.*/--no-emit-package \1/p' requirements.lock) --output-file requirements-dask.lock -
	sed -i '/^# The following packages were excluded/,$$d' requirements-dask.lock
	$(BIN)/python -c 'import tomllib; groups = tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]; \
		print(*groups["mutate"], sep="\n")' \
	| $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --constraint requirements.lock --output-file requirements-mutate.lock -
