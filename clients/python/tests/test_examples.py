"""The programs in README.md and the examples work as described."""

import contextlib
import importlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import factstr
from support import SOURCES, TIMEOUT, on_all_stores

PACKAGE = os.path.dirname(SOURCES)
EXAMPLES = os.path.join(PACKAGE, '..', '..', 'examples', 'dcb')

# A program and its output.
BLOCK = re.compile(r'^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?', re.M | re.S)


class Readme(unittest.TestCase):
    def test_programs(self):
        with open(os.path.join(PACKAGE, 'README.md'), encoding='utf-8') as file:
            blocks = BLOCK.findall(file.read())
        self.assertGreater(len(blocks), 4)
        with tempfile.TemporaryDirectory() as directory:
            for program, expected in blocks:
                if 'postgresql://' in program or 'psycopg' in program or 'eventsourcing' in program:
                    compile(program, 'README.md', 'exec')
                    continue
                with self.subTest(program):
                    done = subprocess.run([sys.executable, '-X', 'dev', '-c', program], cwd=directory, check=False,
                                          capture_output=True, text=True, timeout=TIMEOUT,
                                          env={**os.environ, 'PYTHONPATH': SOURCES})
                    # Development mode reports callbacks of asyncio that take long, as on a busy machine.
                    errors = [line for line in done.stderr.splitlines() if not line.startswith('Executing <')]
                    self.assertEqual((done.returncode, errors), (0, []))
                    self.assertEqual(done.stdout, expected)


@unittest.skipUnless(os.path.isdir(EXAMPLES), 'the examples are not in this tree')
class Programs(unittest.TestCase):
    def setUp(self):
        sys.path.insert(0, EXAMPLES)
        self.addCleanup(sys.path.remove, EXAMPLES)

    def test_as_programs(self):
        with tempfile.TemporaryDirectory() as directory:
            environment = {**os.environ, 'PYTHONPATH': SOURCES, 'FACTSTR_URL': f'sqlite:{directory}/bank.db'}

            def run(*arguments):
                done = subprocess.run([sys.executable, '-B', os.path.join(EXAMPLES, 'aggregate.py'), *arguments],
                                      env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT)
                return done.returncode, done.stdout + done.stderr

            self.assertEqual(run('open_account', 'A-1')[0], 0)
            self.assertEqual(run('deposit', 'A-1', '0.30')[0], 0)
            self.assertEqual(run('withdraw', 'A-1', '0.10')[0], 0)
            status, output = run('close_account', 'A-1')
            self.assertEqual((status, output.strip().rpartition(': ')[2]), (1, 'account "A-1" still holds 0.20'))
            self.assertIn('a command is missing', run()[1])


@on_all_stores
class Examples:
    """The cases of examples/dcb/tests: given some facts, a command decides that, or refuses."""

    def setUp(self):
        if not os.path.isdir(EXAMPLES):
            self.skipTest('the examples are not in this tree')
        super().setUp()
        sys.path.insert(0, EXAMPLES)
        self.addCleanup(sys.path.remove, EXAMPLES)

    def check(self, name):
        module = importlib.import_module(name)
        decisions = importlib.import_module('decisions')
        with open(os.path.join(EXAMPLES, 'tests', f'{name}.json'), encoding='utf-8') as file:
            cases = json.load(file, parse_float=Decimal)
        for case in cases:
            with self.subTest(case['name']), factstr.open_store('memory:') as store:
                self.give(store, case)
                command = getattr(module, case['command'][0])
                arguments = case['command'][1:]
                if 'refused' in case:
                    with self.assertRaises(decisions.Refused) as caught:
                        decisions.decide_and_append(store, command, *arguments)
                    self.assertEqual(str(caught.exception), case['refused'])
                    continue
                before = store.context_version(command(*arguments)[0])
                decided = decisions.decide_and_append(store, command, *arguments)
                self.assertEqual({'event_type': decided.event_type, 'payload': decided.payload}, case['expected'])
                with self.assertRaises(factstr.ConflictError):
                    store.append_if(decided, command(*arguments)[0], before)
        return module, decisions

    @staticmethod
    def give(store, case):
        now = datetime.now(timezone.utc)
        given = tuple(factstr.ImportedEvent(now - timedelta(minutes=one['minutes_ago']), one['event_type'],
                                            one['payload']) for one in case['given'])
        if given:
            store.import_batches([factstr.ExportedBatch(None, None, given)])

    def test_unique_username(self):
        self.check('unique_username')

    def test_aggregate(self):
        self.check('aggregate')

    def test_course_subscriptions(self):
        module, decisions = self.check('course_subscriptions')
        decisions.decide_and_append(self.store, module.define_course, 'c1', '3')
        outcomes = []

        def work(student):
            try:
                decisions.decide_and_append(self.store, module.subscribe_student, student, 'c1')
                outcomes.append('in')
            except decisions.Refused as refused:
                outcomes.append(str(refused))

        threads = [threading.Thread(target=work, args=(f's{number}',)) for number in range(8)]
        with contextlib.redirect_stdout(io.StringIO()):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(sorted(outcomes), ['course "c1" is full'] * 5 + ['in'] * 3)
