"""Ctrl-C ends calls that wait or take long, and a program ends even if a handler does not."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

import factstr
from support import (SANITIZED, SOURCES, TIMEOUT, drop_database, event, has_postgres, new_database, postgres_url, run_python)


class Interrupts(unittest.TestCase):
    """SIGINT during a call on the main thread."""

    PROGRAM = '''
import signal, sys, threading, time, factstr
count = 0
def ignore(*arguments):
    global count
    count += 1
if sys.argv[2] == 'ignore':
    signal.signal(signal.SIGINT, ignore)
store = factstr.open_store(sys.argv[1])
%s
try:
    print('ready', flush=True)
    result = call()
    print('returned', count, flush=True)
except KeyboardInterrupt:
    print('interrupted', flush=True)
store.close()
'''

    def start(self, call, url='memory:', kind='default'):
        process = subprocess.Popen([sys.executable, '-X', 'dev', '-c', self.PROGRAM % call, url, kind],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, 'PYTHONPATH': SOURCES})
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        self.assertEqual(process.stdout.readline(), 'ready\n')
        return process

    def finish(self, process):
        output, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(errors, '')
        return output

    def interrupt_until_it_ends(self, process):
        """The signal may come before the call has begun; then the program ends as well."""
        process.send_signal(signal.SIGINT)
        return self.finish(process)

    def test_waits(self):
        for call in ('call = lambda: list(store.stream())',
                     "store.stream(name='s').close()\ncall = lambda: store.wait('s', 1)",
                     "other = store.stream(name='s')\ncall = lambda: store.stream(name='s', timeout=None)",
                     "other = store.stream(name='s')\ncall = lambda: store.subscribe(print, name='s', timeout=None)"):
            with self.subTest(call):
                self.assertEqual(self.interrupt_until_it_ends(self.start(call)), 'interrupted\n')

    def test_a_replay_in_c(self):
        # The interpreter handles signals at the latest when deque() has returned, with nothing left to read.
        process = self.start('''
import collections
store.append([factstr.NewEvent('a', number) for number in range(200000)])
def call():
    for _ in range(50):
        reader = store.read()
        try:
            collections.deque(reader, 0)
            time.sleep(60)
        except KeyboardInterrupt:
            if next(reader, None) is not None:
                raise
            print('again', flush=True)
''')
        line = 'again\n'
        while line == 'again\n':
            process.send_signal(signal.SIGINT)
            line = process.stdout.readline()
        self.assertEqual(line, 'interrupted\n')
        self.finish(process)

    def test_a_replay_with_a_handler(self):
        process = self.start('''
store.append([factstr.NewEvent('a', 1)])
def handler(batch):
    while True:
        time.sleep(0.01)
call = lambda: store.subscribe(handler, name='s')
''')
        self.assertEqual(self.interrupt_until_it_ends(process), 'interrupted\n')

    def test_a_locked_file(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, 'facts.db')
            factstr.open_store(f'sqlite:{path}').close()
            lock = [sys.executable, '-c', 'import sqlite3, sys\n'
                    f'connection = sqlite3.connect({path!r})\nconnection.execute("BEGIN IMMEDIATE")\n'
                    'print("locked", flush=True)\nsys.stdin.read()']
            with subprocess.Popen(lock, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
                self.assertEqual(holder.stdout.readline(), 'locked\n')
                process = self.start("call = lambda: store.append(factstr.NewEvent('a', 1))",
                                     f'sqlite:{path}?busy_timeout_ms=3600000')
                self.assertEqual(self.interrupt_until_it_ends(process), 'interrupted\n')
                holder.communicate('')
            with factstr.open_store(f'sqlite:{path}') as store:
                self.assertIsNone(store.context_version())

    def lock_log(self, database):
        """A session of psql that holds the append lock until its input ends."""
        holder = subprocess.Popen(['psql', '-qXAt', '-d', database], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        self.addCleanup(lambda: (holder.kill(), holder.communicate()))
        holder.stdin.write("BEGIN;\nSELECT 'locked' FROM factstr_append('[{\"event_type\": \"b\", \"payload\": 1}]');\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline(), 'locked\n')
        return holder

    @unittest.skipUnless(has_postgres(), 'PGHOST leads to no server')
    def test_a_lock_of_the_server(self):
        database = new_database()
        self.addCleanup(drop_database, database)
        holder = self.lock_log(database)
        process = self.start("call = lambda: store.append(factstr.NewEvent('a', 1))", postgres_url(database))
        self.assertEqual(self.interrupt_until_it_ends(process), 'interrupted\n')
        holder.communicate('ROLLBACK;\n')
        with factstr.open_store(postgres_url(database)) as store:
            self.assertEqual(store.append(event()).committed_count, 1)
            self.assertEqual([record.event_type for record in store.query().event_records], ['a'])

    @unittest.skipUnless(has_postgres(), 'PGHOST leads to no server')
    def test_a_signal_handler_that_returns(self):
        database = new_database()
        self.addCleanup(drop_database, database)
        holder = self.lock_log(database)
        process = self.start('''
def call():
    # Waits until another thread sees that the signal was handled.
    threading.Thread(target=lambda: [time.sleep(0.01) for _ in iter(lambda: count, 1)] and None or
                     print('handled', flush=True), daemon=True).start()
    return store.append(factstr.NewEvent('a', 1))
''', postgres_url(database), 'ignore')
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.stdout.readline(), 'handled\n')
        holder.communicate('ROLLBACK;\n')
        self.assertEqual(self.finish(process), 'returned 1\n')
        with factstr.open_store(postgres_url(database)) as store:
            self.assertEqual(store.context_version(), 1)


class Ends(unittest.TestCase):
    """The end of a program while handlers run."""

    PROGRAM = '''
import faulthandler, sys, threading, time
faulthandler.dump_traceback_later(50, exit=True)
import factstr
from factstr import _store
_store._EXIT_DELIVERIES, _store._EXIT_TIMEOUT = 0.1, 0.3
store = factstr.open_store(sys.argv[1])
running = threading.Event()
def handler(batch):
    running.set()
    %s
%s
running.wait()
'''

    HANDLERS = ('threading.Semaphore(0).acquire()', 'while True: pass', 'time.sleep(3600)', 'store.wait("other", 10**6)')
    LIVE = 'store.subscribe(handler)\nstore.stream(name="other").close()\nstore.append(factstr.NewEvent("a", 1))'
    REPLAY = ('store.stream(name="other").close()\nstore.append(factstr.NewEvent("a", 1))\n'
              'threading.Thread(target=lambda: store.subscribe(handler, name="s"), daemon=True).start()')

    def test_a_handler_that_does_not_return(self):
        for subscribe in (self.LIVE, self.REPLAY):
            for handler in self.HANDLERS:
                with self.subTest(handler), tempfile.TemporaryDirectory() as directory:
                    done = run_python(self.PROGRAM % (handler, subscribe), f'sqlite:{directory}/facts.db')
                    self.assertNotIn('Fatal', done.stderr)
                    # A sanitizer cannot handle that the interpreter ends a thread inside a handler.
                    if 'wait' not in handler and not SANITIZED:
                        self.assertEqual(done.stderr, 'the program ends while a handler is running; its batch will be '
                                                      'delivered again\n')
                    with factstr.open_store(f'sqlite:{directory}/facts.db') as store:
                        self.assertEqual(store.context_version(), 1)

    def test_a_transaction_that_does_not_end(self):
        with tempfile.TemporaryDirectory() as directory:
            url = f'sqlite:{directory}/facts.db'
            run_python(self.PROGRAM % ('batch.transaction.execute("CREATE TABLE t (n)"); time.sleep(3600)', '''
store.append(factstr.NewEvent("a", 1))
store.subscribe(handler, name="s", transactional=True, in_background=True)'''), url)
            with sqlite3.connect(f'{directory}/facts.db') as connection:
                self.assertEqual(connection.execute("SELECT name FROM sqlite_master WHERE name = 't'").fetchall(), [])
            connection.close()
            with factstr.open_store(url) as store:
                self.assertEqual(store.streams()[0].cursor_sequence_number, 0)

    def test_handlers_of_several_stores_share_the_time(self):
        start = time.monotonic()
        run_python(self.PROGRAM % ('threading.Event().wait()', '''
stores = [factstr.open_store('memory:') for _ in range(20)]
for one in stores:
    one.subscribe(handler)
    one.append(factstr.NewEvent("a", 1))'''), 'memory:')
        self.assertLess(time.monotonic() - start, TIMEOUT)
