"""Fixtures: everything that a scenario starts is stopped after it."""
import pytest

import harness


def _closing():
    """Takes things with a close(), and closes them in the end."""
    things = []

    def add(thing):
        things.append(thing)
        return thing

    yield add
    errors = []
    for thing in reversed(things):
        try:
            thing.close()
        except Exception as error:  # the others are to be closed too
            errors.append(error)
    if errors:
        raise errors[0]


closing = pytest.fixture(_closing)
module_closing = pytest.fixture(_closing, scope="module", name="module_closing")


@pytest.fixture
def receiver(closing):
    """Makes endpoints: receiver(answer)."""
    return lambda *args, **kw: closing(harness.Receiver(*args, **kw))


@pytest.fixture
def raw_server(closing):
    return lambda serve: closing(harness.RawServer(serve))


@pytest.fixture
def belfry(closing, tmp_path):
    """Makes running belfries: belfry(conf, ...); start=False: not running."""
    count = 0

    def make(conf="", start=True, **kw):
        nonlocal count
        count += 1
        made = closing(harness.Belfry(tmp_path / f"belfry{count}", conf, **kw))
        return made.start() if start else made

    return make
