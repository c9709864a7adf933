# make demo, make test and make bench do all of their own set-up: each environment is built from pyproject.toml.
# The mark file in an environment stands for "installed from the current pyproject.toml, with the current kernel", the
# compiled part, which lies in the source tree and is the same for all.

PYTHON ?= python3
PIP_FLAGS = --quiet --disable-pip-version-check
OLDEST = "numpy==1.26.*" "tensorflow-cpu==2.16.*" "h5py==3.10.*" "ml_dtypes==0.3.*" "optree==0.12.1" "psutil==5.9.*" \
         "tqdm==4.64.*" "scipy==1.11.*" "awkward==2.5.*" "pyarrow==16.*" \
         "obstore==0.11.*" "imagecodecs==2024.6.1"
EXTRAS = hdf5,compression,remote,parquet,images,awkward,scipy
PROJECT = -e ".[$(EXTRAS)]"
DEVELOPMENT = -e ".[$(EXTRAS),demo]" tensorstore "ruff>=0.11" "mypy>=1.11" "tensorflow-cpu>=2.16"
TEST_TOOLS = "pytest>=8" "pytest-cov>=5" "pytest-xdist>=3.5" "hypothesis>=6.100"
REFERENCES = "safetensors>=0.7" "zarr>=3.1"  # they check what we write
KERNEL = setup.py $(foreach kind,pyx pxd h,$(wildcard src/tf2numpy/wire/*.$(kind)))
STORES = "moto[server,s3]>=5"  # S3 on this machine
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test bench soak fuzz sanitize check lint test-no-tensorflow test-oldest clean

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
	TF2NUMPY_FUZZ=$(FUZZ) .venv/bin/python -m pytest -n 2 $(shell grep -lrw mutate tests --include="test_*.py")

# The package is built a second time, in its own folder. Python itself does not free all it has at its end.
SANITIZED = build/sanitized
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1
sanitize: .venv/ready  ## the compiled part with every access and overflow checked; FUZZ=1 for a short run
	rm -rf $(SANITIZED)
	mkdir -p $(SANITIZED)/tree
	cp -R setup.py pyproject.toml README.md src $(SANITIZED)/tree
	CFLAGS="$(SANITIZE)" LDFLAGS="$(SANITIZE)" .venv/bin/python -m pip install $(PIP_FLAGS) --no-deps \
	    --target $(SANITIZED)/site $(SANITIZED)/tree
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 LD_PRELOAD=$$($(CC) -print-file-name=libasan.so) \
	    PYTHONPATH=$(SANITIZED)/site TF2NUMPY_FUZZ=$(FUZZ) .venv/bin/python -m pytest -p no:cacheprovider --capture=sys \
	    tests/hostile/test_examples.py tests/wire/test_examples.py tests/wire/test_examples_refused.py \
	    tests/wire/test_examples_reference.py \
	    tests/wire/test_records.py tests/wire/test_crc32c.py -k "not protobuf and not tensorflow"

check: lint test-no-tensorflow test-oldest  ## the quality gates beside the tests

lint: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

test-no-tensorflow: .venv-no-tensorflow/ready
	.venv-no-tensorflow/bin/python -m pytest -n 2

test-oldest: .venv-oldest/ready
	.venv-oldest/bin/python -m pytest -n 2

# $(1): an environment. $(2): what it has beside the project. When the kernel alone has changed, it alone is built anew.
define environment
	if test $(1)/ready -nt pyproject.toml; then \
	    $(1)/bin/python -m pip install $(PIP_FLAGS) --no-deps -e .; \
	else \
	    $(PYTHON) -m venv --clear $(1) && $(1)/bin/python -m pip install $(PIP_FLAGS) $(2) $(TEST_TOOLS) $(REFERENCES); \
	fi
	touch $(1)/ready
endef

.venv/ready: pyproject.toml $(KERNEL)
	$(call environment,.venv,$(DEVELOPMENT) $(STORES))

.venv-no-tensorflow/ready: pyproject.toml $(KERNEL)
	$(call environment,.venv-no-tensorflow,$(PROJECT) $(STORES))

.venv-oldest/ready: pyproject.toml $(KERNEL)
	$(call environment,.venv-oldest,$(PROJECT) $(OLDEST))

clean:
	rm -rf build src/tf2numpy/wire/*.so .venv .venv-* .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* demo-output
