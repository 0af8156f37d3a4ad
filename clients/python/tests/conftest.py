"""What tests share: a world of real processes for each, and one for those that leave it as it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One that nobody kills."""
    with World(tmp_path_factory.mktemp("world")) as started:
        yield started


@pytest.fixture
def own_world(tmp_path: Path) -> Iterator[World]:
    """One to be killed."""
    with World(tmp_path) as started:
        yield started
