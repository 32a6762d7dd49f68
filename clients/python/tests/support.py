"""Shared by the tests: stores of each kind, and waiting for a condition."""

import fcntl
import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import unittest

import factstr
from factstr import NewEvent

TIMEOUT = 60
SOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'src')
REQUIREMENTS = ['eventsourcing==9.5.6', 'mypy==2.4.1', 'psycopg==3.3.9']
PIP_SECONDS = 60
SANITIZED = 'libasan' in os.environ.get('LD_PRELOAD', '')

_databases = 0


def psql(database, *commands):
    """Runs commands with psql and returns its output."""
    arguments = [argument for command in commands for argument in ('-c', command)]
    done = subprocess.run(['psql', '-qXAt', '-v', 'ON_ERROR_STOP=1', '-d', database, *arguments],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


def has_postgres():
    return bool(os.environ.get('PGHOST'))


def new_database():
    """Creates a database with the extension."""
    global _databases
    template = f'python_{os.getpid()}'
    if _databases == 0:
        psql('postgres', f'DROP DATABASE IF EXISTS {template}', f'CREATE DATABASE {template}')
        psql(template, 'CREATE EXTENSION factstr')
    _databases += 1
    name = f'{template}_{_databases}'
    psql('postgres', f'DROP DATABASE IF EXISTS {name}', f'CREATE DATABASE {name} TEMPLATE {template}')
    return name


def drop_database(name):
    psql('postgres', f'DROP DATABASE {name} WITH (FORCE)')


def postgres_url(database):
    host = os.environ['PGHOST'].replace('/', '%2F')
    return f'postgresql://{os.environ.get("PGUSER", "postgres")}@/{database}?host={host}&port={os.environ["PGPORT"]}'


def packages():
    """Returns a directory with the packages for tests, from the registry of Python. Skips the test without them."""
    directory = os.environ.get('FACTSTR_PYTHON_PACKAGES')
    if directory:
        return directory
    directory = os.path.join(os.path.dirname(SOURCES), 'build', f'packages-{sys.version_info[0]}.{sys.version_info[1]}')
    os.makedirs(directory, exist_ok=True)
    # Test modules run at the same time.
    with open(f'{directory}.lock', 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(directory, 'complete')):
            install(directory)
    return directory


def install(directory):
    if sys.version_info < (3, 10):
        raise unittest.SkipTest('the packages are for Python 3.10 and newer')
    pip = [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check',
           '--target', directory, *REQUIREMENTS]
    try:
        subprocess.run(pip, capture_output=True, text=True, check=True, timeout=PIP_SECONDS)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ['pip failed'])[-1]
        raise unittest.SkipTest(f'{" and ".join(REQUIREMENTS)} cannot be had: {last}') from None
    except subprocess.TimeoutExpired:
        raise unittest.SkipTest(f'{" and ".join(REQUIREMENTS)} cannot be had in time') from None
    with open(os.path.join(directory, 'complete'), 'w', encoding='utf-8'):
        pass


def psycopg():
    """Returns the module psycopg, from the interpreter or from the registry. Skips the test without it."""
    if importlib.util.find_spec('psycopg') is None:
        sys.path.append(packages())
    return importlib.import_module('psycopg')


def wait_until(condition, description='the condition'):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f'timed out waiting for {description}')
        time.sleep(0.005)


def run_python(program, *arguments, check=True):
    """Runs a program with this interpreter in development mode, and returns the completed process."""
    done = subprocess.run([sys.executable, '-X', 'dev', '-B', '-c', program, *arguments], capture_output=True,
                          text=True, timeout=TIMEOUT, check=False, env={**os.environ, 'PYTHONPATH': SOURCES})
    if check and done.returncode != 0:
        raise AssertionError(f'exit status {done.returncode}:\n{done.stdout}{done.stderr}')
    return done


def event(event_type='a', payload=None, metadata=None):
    return NewEvent(event_type, payload, metadata)


def numbers(records):
    return [record.sequence_number for record in records]


class StoreTest(unittest.TestCase):
    """A test with a new store, self.store, at self.url."""

    kind = ''

    def setUp(self):
        if self.kind == 'memory':
            self.url = 'memory:'
        elif self.kind == 'sqlite':
            directory = tempfile.TemporaryDirectory()
            self.addCleanup(directory.cleanup)
            self.url = f'sqlite:{directory.name}/facts.db'
        else:
            if not has_postgres():
                self.skipTest('PGHOST leads to no server')
            database = new_database()
            self.addCleanup(drop_database, database)
            self.url = postgres_url(database)
        self.store = factstr.open_store(self.url)
        self.addCleanup(self.store.close)

    def open_again(self):
        """Opens another store at the same place."""
        store = factstr.open_store(self.url)
        self.addCleanup(store.close)
        return store


def on_stores(*kinds):
    """Makes a class of tests for each kind of store from a class."""
    def decorate(cls):
        module = sys.modules[cls.__module__]
        for kind in kinds:
            name = f'{cls.__name__}_{kind}'
            setattr(module, name, type(name, (cls, StoreTest), {'kind': kind, '__module__': cls.__module__}))
        return cls
    return decorate


on_all_stores = on_stores('memory', 'sqlite', 'postgres')
on_shared_stores = on_stores('sqlite', 'postgres')
