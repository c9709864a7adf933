# make demo, make test and make bench do all of their own set-up: each environment is built from pyproject.toml.
# The mark file in an environment stands for "installed from the current pyproject.toml".

PYTHON ?= python3
PIP_FLAGS = --quiet --disable-pip-version-check
OLDEST = "numpy==1.26.*" "tensorflow-cpu==2.16.*" "h5py==3.10.*" "ml_dtypes==0.3.*" "optree==0.12.1" "psutil==5.9.*" \
         "tqdm==4.64.*" "scipy==1.11.*" "awkward==2.5.*" "pyarrow==16.*"
TEST_TOOLS = "pytest>=8" "pytest-cov>=5" "pytest-xdist>=3.5" "hypothesis>=6.100"
JUDGES = "safetensors>=0.7" "zarr>=3.1"  # they check what we write
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test bench soak fuzz check lint test-no-tensorflow test-oldest clean

demo: .venv/ready  ## convert a real photograph in every way, each checked against TensorFlow
	.venv/bin/tf2numpy demo

test: .venv/ready  ## every test, with coverage
	.venv/bin/python -m pytest -n 2 --cov --cov-report=term

bench: .venv/ready  ## measure every bar against what one would otherwise write
	.venv/bin/python -m benchmarks

soak: .venv/ready  ## the kill and disk-full suites at length
	TF2NUMPY_KILLS=50 .venv/bin/python -m pytest -n 2 tests/test_resume.py tests/test_resume_full.py

FUZZ ?= 200
fuzz: .venv/ready  ## damaged files at length: FUZZ times as many as `make test` reads, 200,000 a parser and more
	TF2NUMPY_FUZZ=$(FUZZ) .venv/bin/python -m pytest -n 2 $(shell grep -lr "import mutations" tests --include="test_*.py")

check: lint test-no-tensorflow test-oldest  ## the quality gates beside the tests

lint: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

test-no-tensorflow: .venv-no-tensorflow/ready
	.venv-no-tensorflow/bin/python -m pytest -n 2

test-oldest: .venv-oldest/ready
	.venv-oldest/bin/python -m pytest -n 2

.venv/ready: pyproject.toml
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install $(PIP_FLAGS) -e ".[hdf5,compression,parquet,awkward,scipy,demo]" $(TEST_TOOLS) \
	    $(JUDGES) tensorstore "ruff>=0.11" "mypy>=1.11" "tensorflow-cpu>=2.16"
	touch $@

.venv-no-tensorflow/ready: pyproject.toml
	$(PYTHON) -m venv --clear .venv-no-tensorflow
	.venv-no-tensorflow/bin/python -m pip install $(PIP_FLAGS) -e ".[hdf5,compression,parquet,awkward,scipy]" $(TEST_TOOLS) $(JUDGES)
	touch $@

.venv-oldest/ready: pyproject.toml
	$(PYTHON) -m venv --clear .venv-oldest
	.venv-oldest/bin/python -m pip install $(PIP_FLAGS) -e ".[hdf5,compression,parquet,awkward,scipy]" $(OLDEST) $(TEST_TOOLS) $(JUDGES)
	touch $@

clean:
	rm -rf .venv .venv-* .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* demo-output
