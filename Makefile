PYTHON ?= python

.PHONY: install test slow lint types docs wheel

install:
	$(PYTHON) -m pip install -c constraints.txt -e ".[dev]"

test:
	$(PYTHON) -m pytest

slow:
	$(PYTHON) -m pytest -m slow

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

# The package's root is the checkout, so mypy follows it through a link of the package's name.
types:
	link=$$(mktemp -d) && trap 'rm -r "$$link"' EXIT && ln -s "$(CURDIR)" "$$link/titlekit" && \
	MYPYPATH="$$link" $(PYTHON) -m mypy --strict \
	-p titlekit.core -p titlekit.plugins -p titlekit.cli -p titlekit.testing

docs:
	$(PYTHON) docs/make.py

wheel:
	$(PYTHON) -m build --wheel
