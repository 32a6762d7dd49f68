"""Tests that need packages from the registry: the cases of eventsourcing for recorders, and mypy."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

import factstr
from support import SOURCES, packages, on_all_stores

TYPED = '''
from typing import Tuple
import factstr
from factstr import aio

def count(records: Tuple[factstr.EventRecord, ...]) -> int:
    return len(records)

def command(state: int) -> factstr.NewEvent:
    return factstr.NewEvent('counted', {'count': state})

with factstr.open_store('memory:') as store:
    state: int = factstr.decide(store, None, count, command).state
    for batch in store.stream(idle_timeout=0, start='first'):
        number: int = batch.first_sequence_number
    with store.subscribe(lambda batch: None) as subscription:
        active: bool = subscription.active

async def main() -> None:
    async with await aio.open_store('memory:') as store:
        result: factstr.AppendResult = await store.append(factstr.NewEvent('a', 1))
        async for batch in store.stream(start='first', idle_timeout=0):
            number: int = batch.first_sequence_number
'''

WRONG = '''
import factstr
with factstr.open_store('memory:') as store:
    store.append('a')
'''


@on_all_stores
class Recorders:
    def setUp(self):
        super().setUp()
        directory = packages()
        if directory not in sys.path:
            sys.path.append(directory)
        from eventsourcing.dcb.tests import DCBRecorderTestCase
        from factstr.eventsourcing import FactstrRecorder
        self.case = DCBRecorderTestCase()
        self.recorder = FactstrRecorder(self.store)

    def test_append_read(self):
        self.case._test_append_read(self.recorder)

    def test_append_subscribe(self):
        self.case._test_append_subscribe(self.recorder)

    def test_data_of_any_bytes(self):
        from eventsourcing.dcb.api import DCBEvent
        values = [b'', b'{"a": 1}', b'\xff\x00', 'ü'.encode(), b'a\0b', bytes(range(256))]
        self.recorder.append([DCBEvent('a', value, []) for value in values])
        self.assertEqual([one.event.data for one in self.recorder.read()], values)

    def test_errors(self):
        from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent
        from eventsourcing.persistence import IntegrityError, ProgrammingError
        with self.assertRaises(ProgrammingError):
            self.recorder.append([])
        event = DCBEvent('a', b'1', ['t'])
        self.recorder.append([event])
        with self.assertRaises(IntegrityError):
            self.recorder.append([event], DCBAppendCondition())
        self.store.append(factstr.NewEvent('other', 1))
        with self.assertRaisesRegex(ProgrammingError, 'fact 2'):
            list(self.recorder.read())

    def test_stopping_a_subscription(self):
        import threading
        subscription = self.recorder.subscribe()
        got = []
        thread = threading.Thread(target=lambda: got.extend(subscription))
        thread.start()
        subscription.stop()
        thread.join(60)
        self.assertEqual((thread.is_alive(), got), (False, []))

    def test_an_application(self):
        from eventsourcing.dcb.application import DCBApplication
        from eventsourcing.dcb.api import DCBEvent
        with DCBApplication({'PERSISTENCE_MODULE': 'factstr.eventsourcing', 'FACTSTR_URL': self.url}) as application:
            application.recorder.append([DCBEvent('a', b'1', [])])
            self.assertEqual(application.recorder.read().head, 1)


class Types(unittest.TestCase):
    def mypy(self, *arguments):
        cache = os.path.join(os.path.dirname(SOURCES), 'build', 'mypy')
        return subprocess.run([sys.executable, '-m', 'mypy', '--strict', '--cache-dir', cache, *arguments],
                              capture_output=True, text=True, check=False,
                              env={**os.environ, 'PYTHONPATH': packages(), 'MYPYPATH': SOURCES})

    def check(self, text):
        with tempfile.NamedTemporaryFile('w', suffix='.py') as file:
            file.write(text)
            file.flush()
            return self.mypy(file.name)

    def test_the_package_is_strictly_typed(self):
        done = self.mypy(os.path.join(SOURCES, 'factstr'))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_programs_are_strictly_typed(self):
        done = self.check(TYPED)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = self.check(WRONG)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn('incompatible type', done.stdout)


class Wheels(unittest.TestCase):
    def test_a_wheel(self):
        packages()
        root = os.path.dirname(SOURCES)
        with tempfile.TemporaryDirectory() as directory:
            pip = [sys.executable, '-m', 'pip', '--quiet', '--no-input', '--disable-pip-version-check']
            done = subprocess.run([*pip, 'wheel', '--no-deps', '--wheel-dir', directory, root], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            name, = os.listdir(directory)
            self.assertRegex(name, r'^factstr-[0-9.]+-cp39-abi3-linux_\w+\.whl$')
            installed = os.path.join(directory, 'installed')
            subprocess.run([*pip, 'install', '--no-deps', '--target', installed, os.path.join(directory, name)],
                           capture_output=True, check=True)
            self.assertTrue(os.path.exists(os.path.join(installed, 'factstr', 'py.typed')))
            program = ("import factstr; store = factstr.open_store('memory:'); store.append(factstr.NewEvent('a', 1)); "
                       "store.close(); print(factstr.__file__)")
            done = subprocess.run([sys.executable, '-c', program], cwd=directory, capture_output=True, text=True,
                                  check=True, env={**os.environ, 'PYTHONPATH': installed})
            self.assertTrue(done.stdout.startswith(installed), done.stdout)
            needed = subprocess.run(['readelf', '-d', os.path.join(installed, 'factstr', '_native.abi3.so')],
                                    capture_output=True, text=True, check=True).stdout
            libraries = re.findall(r'\(NEEDED\).*\[(.*)\]', needed)
            self.assertEqual([one for one in libraries if not re.match(r'(libc|libm|libdl|libpthread|ld-linux)\b', one)],
                             [])
