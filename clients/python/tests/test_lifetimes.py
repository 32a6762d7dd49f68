"""Threads, collection, forks, exits and signals must neither crash the interpreter nor leak."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
import warnings
import weakref

import factstr
from factstr import CallInterruptedError, MisuseError, StoreClosedError, WaitTimedOutError
from support import SANITIZED, SOURCES, TIMEOUT, event, on_all_stores, on_stores, run_python, wait_until


def descriptors():
    return len(os.listdir('/proc/self/fd'))


@on_all_stores
class Closing:
    def test_calls_after_closing(self):
        stream = self.store.stream()
        reader = self.store.read()
        self.store.close()
        self.store.close()
        self.assertTrue(self.store.closed)
        for call in (self.store.query, lambda: self.store.append(event()), self.store.streams,
                     lambda: self.store.subscribe(print), lambda: stream.next(timeout=0), lambda: next(reader),
                     self.store.interrupt):
            with self.assertRaises(StoreClosedError):
                call()
        stream.close()
        reader.close()

    def test_rule_34_closing_ends_calls(self):
        store = self.open_again()
        errors = []

        def wait():
            try:
                store.wait('s', 10**6)
            except StoreClosedError as error:
                errors.append(error)

        with store.subscribe(lambda batch: None, name='s'):
            threads = [threading.Thread(target=wait) for _ in range(3)]
            for thread in threads:
                thread.start()
            store.close()
            for thread in threads:
                thread.join(TIMEOUT)
        self.assertEqual(len(errors), 3)

    def test_rule_34_closing_delivers(self):
        store = self.open_again()
        got = []

        def handler(batch):
            time.sleep(0.01)
            got.append(store.query().current_context_version)

        store.subscribe(handler)
        for _ in range(10):
            store.append(event())
        store.close(TIMEOUT)
        self.assertEqual(len(got), 10)

    def test_closing_from_a_handler(self):
        errors = []

        def handler(batch):
            try:
                self.store.close()
            except MisuseError as error:
                errors.append(error)

        with self.store.subscribe(handler):
            self.store.append(event())
            wait_until(lambda: errors)
        self.store.query()

    def test_closing_in_vain(self):
        store = self.open_again()

        def handler(batch):
            raise RuntimeError('always')

        subscription = store.subscribe(handler)
        with self.assertLogs('factstr', 'WARNING'):
            store.append(event())
            wait_until(lambda: subscription.error is not None)
            with self.assertRaises(WaitTimedOutError):
                store.close(0.01)
        self.assertTrue(store.closed)

    def test_rule_35_interrupting(self):
        self.store.subscribe(lambda batch: None, name='s')
        errors = []

        def wait():
            try:
                self.store.wait('s', 10**6)
            except CallInterruptedError as error:
                errors.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        while thread.is_alive():
            self.store.interrupt()
            thread.join(0.01)
        self.assertEqual(len(errors), 1)

    def test_many_threads_until_it_is_closed(self):
        store = self.open_again()
        problems = []

        def work():
            while True:
                try:
                    store.append(event())
                    store.query(factstr.EventFilter(['b']))
                    with store.stream() as stream:
                        stream.next(timeout=0)
                    with store.read() as reader:
                        next(reader)
                    with store.subscribe(lambda batch: None):
                        pass
                except StoreClosedError:
                    return
                except BaseException as error:
                    problems.append(error)
                    return

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        wait_until(lambda: store.context_version() and store.context_version() > 20)
        store.close()
        for thread in threads:
            thread.join(TIMEOUT)
        self.assertEqual((problems, [thread for thread in threads if thread.is_alive()]), ([], []))

    def test_a_stream_is_closed_by_another_thread(self):
        stream = self.store.stream()
        thread = threading.Thread(target=lambda: list(stream))
        thread.start()
        stream.close()
        thread.join(TIMEOUT)
        self.assertFalse(thread.is_alive())

    def test_handlers_that_close_streams(self):
        subscriptions = []
        done = threading.Event()

        def handler(batch):
            for subscription in subscriptions:
                try:
                    subscription.close(0)
                except WaitTimedOutError:
                    pass
            done.set()

        subscriptions += [self.store.subscribe(handler) for _ in range(4)]
        self.store.append(event())
        self.assertTrue(done.wait(TIMEOUT))


@on_stores('memory', 'sqlite')
class Collecting:
    # The number of descriptors that a SQLite store keeps, of the file and its log.
    IDLE_READERS = 40

    def test_unclosed_stores(self):
        # The store, its subscription and the handler refer to each other.
        # SQLite keeps descriptors of a file that another connection has locked.
        before = descriptors()
        for number in range(20):
            store = self.open_again_unclosed()
            got = []

            def handler(batch, store=store, got=got):
                got.append(store.closed)

            store.subscribe(handler)
            store.append(event())
            if number % 2:
                wait_until(lambda: got)
            reference = weakref.ref(store)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter('always')
                del store, handler
                got.clear()
                gc.collect()
            self.assertIsNone(reference())
            self.assertEqual([one.category for one in caught], [ResourceWarning])
        wait_until(lambda: descriptors() <= before or self.kind == 'sqlite')

    def open_again_unclosed(self):
        return factstr.open_store(self.url)

    def test_unclosed_without_streams(self):
        with self.assertWarns(ResourceWarning):
            store = self.open_again_unclosed()
            store.append(event())
            del store
            gc.collect()

    def test_subscriptions_live_as_long_as_their_store(self):
        got = []
        self.store.subscribe(got.append)
        gc.collect()
        self.store.append(event())
        wait_until(lambda: got)

    def test_handlers_are_released(self):
        class Handler:
            def __call__(self, batch):
                pass

        handlers = [Handler() for _ in range(10)]
        references = [weakref.ref(handler) for handler in handlers]
        for handler in handlers:
            self.store.subscribe(handler).close()
        del handlers, handler
        gc.collect()
        self.assertEqual([reference for reference in references if reference() is not None], [])

    def test_thousands_of_subscriptions(self):
        before = descriptors()
        threads = threading.active_count()
        for number in range(10000 if self.kind == 'memory' else 2000):
            subscription = self.store.subscribe(lambda batch: None)
            if number % 3:
                subscription.close()
            else:
                subscription.unsubscribe()
        del subscription
        gc.collect()
        self.assertEqual(self.store._subscriptions, set())
        wait_until(lambda: descriptors() <= before + self.IDLE_READERS)
        self.assertLessEqual(threading.active_count(), threads)

    def test_streams_that_are_dropped(self):
        before = descriptors()
        for _ in range(200):
            stream = self.store.stream()
            stream.fileno()
        del stream
        gc.collect()
        wait_until(lambda: descriptors() <= before + self.IDLE_READERS)


class Exits(unittest.TestCase):
    """Programs that end in every way while streams deliver."""

    PROGRAM = '''
import faulthandler, os, sys, threading, time
faulthandler.dump_traceback_later(50, exit=True)
import factstr
store = factstr.open_store(sys.argv[1])
got = []
def handler(batch):
    got.append(batch)
    if sys.argv[2] == 'slow':
        time.sleep(0.05)
store.subscribe(handler)
store.subscribe(handler, name='s', in_background=True)
stream = store.stream()
thread = threading.Thread(target=lambda: list(stream), daemon=True)
thread.start()
def append():
    try:
        while True:
            store.append(factstr.NewEvent('a', 1))
    except factstr.StoreClosedError:
        pass
appender = threading.Thread(target=append, daemon=True)
appender.start()
while len(got) < 3:
    time.sleep(0.001)
'''

    def run_program(self, rest, kind='fast', url='memory:', check=True):
        return run_python(self.PROGRAM + rest, url, kind, check=check)

    def test_end_of_the_program(self):
        self.assertEqual(self.run_program('').stderr, '')
        self.assertEqual(self.run_program('', kind='slow').stderr, '')

    def test_sys_exit(self):
        self.assertEqual(self.run_program('sys.exit(3)', check=False).returncode, 3)

    def test_an_exception(self):
        done = self.run_program('raise RuntimeError("end")', check=False)
        self.assertEqual((done.returncode, done.stderr.splitlines()[-1]), (1, 'RuntimeError: end'))

    def test_os_exit(self):
        self.assertEqual(self.run_program('os._exit(4)', check=False).returncode, 4)

    def test_exit_of_a_handler(self):
        done = self.run_program('store.subscribe(lambda batch: sys.exit(1))\ntime.sleep(0.01)')
        self.assertNotIn('Fatal', done.stderr)

    def test_opening_at_the_exit(self):
        self.run_program('''
class Late:
    def __del__(self):
        try:
            factstr.open_store('memory:')
        except factstr.StoreClosedError:
            pass
sys.late = Late()
''')

    @unittest.skipIf(SANITIZED, 'a child cannot use the allocator of the sanitizer')
    def test_fork(self):
        if sys.version_info >= (3, 12):
            filters = 'import warnings; warnings.simplefilter("ignore", DeprecationWarning)\n'
        else:
            filters = ''
        self.run_program(filters + '''
faulthandler.cancel_dump_traceback_later()
child = os.fork()
if child == 0:
    try:
        store.append(factstr.NewEvent('a', 1))
        os._exit(9)
    except factstr.MisuseError:
        pass
    store.close()
    with factstr.open_store('memory:') as own:
        own.append(factstr.NewEvent('a', 1))
    sys.exit(5)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
store.query(factstr.EventFilter(['b']))
''')

    def test_interrupt_by_the_keyboard(self):
        program = '''
import sys, factstr
store = factstr.open_store('memory:')
if sys.argv[1] == 'stream':
    call = lambda: list(store.stream())
elif sys.argv[1] == 'wait':
    store.stream(name='s').close()
    call = lambda: store.wait('s', 1)
else:
    other = store.stream(name='s')
    call = lambda: store.stream(name='s', timeout=None)
try:
    print('ready', flush=True)
    call()
except KeyboardInterrupt:
    store.close()
    print('interrupted', flush=True)
'''
        for kind in ('stream', 'wait', 'open'):
            with self.subTest(kind), subprocess.Popen(
                    [sys.executable, '-c', program, kind], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                    env={**os.environ, 'PYTHONPATH': SOURCES}) as process:
                self.assertEqual(process.stdout.readline(), 'ready\n')
                process.send_signal(signal.SIGINT)
                output, errors = process.communicate(timeout=TIMEOUT)
                self.assertEqual((output, errors), ('interrupted\n', ''))

    def test_closing_from_a_signal_handler(self):
        run_python('''
import signal, os, threading, factstr
store = factstr.open_store('memory:')
signal.signal(signal.SIGTERM, lambda *args: store.close())
threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
list(store.stream())
assert store.closed
''')

    def test_exceptions_of_every_kind_in_handlers(self):
        run_python('''
import logging, time, factstr
logging.disable(logging.CRITICAL)
class Odd(Exception):
    def __str__(self):
        raise RuntimeError('no text')
def failing(error):
    def handler(batch):
        raise error
    return handler
errors = [ValueError('\\ud800'), ValueError('x' * 10**6), KeyboardInterrupt(), SystemExit(3), GeneratorExit(),
          StopIteration(), MemoryError(), RecursionError(), Odd(), BaseException('\\0')]
with factstr.open_store('memory:') as store:
    subscriptions = [store.subscribe(failing(error)) for error in errors]
    store.append(factstr.NewEvent('a', 1))
    while not all(subscription.error is not None for subscription in subscriptions):
        time.sleep(0.001)
    for subscription in subscriptions:
        subscription.close()
    for error in errors:
        try:
            store.subscribe(failing(error), name='s')
            raise SystemExit('no exception')
        except factstr.HandlerFailedError as caught:
            assert caught.__cause__ is error
        except BaseException as caught:
            assert caught is error
''')

    def test_two_copies_of_the_package(self):
        run_python('''
import os, shutil, sys, tempfile, time
import factstr
with tempfile.TemporaryDirectory() as directory:
    source = os.path.dirname(factstr.__file__)
    shutil.copytree(source, directory + '/other_factstr')
    for name in os.listdir(directory + '/other_factstr'):
        pass
    first = factstr
    saved = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split('.')[0] == 'factstr'}
    os.rename(directory + '/other_factstr', directory + '/factstr')
    sys.path.insert(0, directory)
    import factstr as second
    assert second is not first and second.Store is not first.Store
    with first.open_store('memory:') as one, second.open_store('memory:') as two:
        got = []
        one.subscribe(got.append)
        two.subscribe(got.append)
        one.append(first.NewEvent('a', 1))
        two.append(second.NewEvent('a', 1))
        while len(got) < 2:
            time.sleep(0.001)
        try:
            one.append([])
        except first.EmptyAppendError:
            pass
        try:
            two.append([])
        except second.EmptyAppendError:
            pass
''')

    def test_reloading(self):
        """A module is reloaded while stores of the old one are open, as servers do during development."""
        done = run_python('''
import gc, importlib, sys, time
def load():
    for name in [name for name in sys.modules if name.split('.')[0] == 'factstr']:
        del sys.modules[name]
    return importlib.import_module('factstr')
got = []
def handler(batch):
    got.append(batch)
packages = [load() for _ in range(5)]
stores = [one.open_store('memory:') for one in packages]
for one, store in zip(packages, stores):
    store.subscribe(handler)
    store.append(one.NewEvent('a', {'x': 1.5}))
    assert type(store.query()) is one.QueryResult
    assert type(store.query().event_records[0]) is one.EventRecord
    for other in packages:
        try:
            store.append([])
        except other.EmptyAppendError:
            assert other is one
        except Exception:
            assert other is not one
        try:
            store.append(other.NewEvent('b', 1))
        except TypeError:
            assert other is not one
while len(got) < 10:
    time.sleep(0.001)
assert {type(batch) for batch in got} == {one.Batch for one in packages}
stores[0].close()
del store, one, other, packages[0], stores[0]
gc.collect()
for store in stores:
    store.query()
''')
        self.assertEqual(done.stderr, '')

    @unittest.skipUnless(sys.version_info >= (3, 9), 'there are no such interpreters')
    def test_other_interpreters_are_refused(self):
        run_python('''
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    import _interpreters as interpreters
number = interpreters.create()
try:
    interpreters.run_string(number, 'import factstr')
except Exception:
    pass
interpreters.destroy(number)
''')
