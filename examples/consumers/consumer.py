#!/usr/bin/env python3
"""Consuming facts in Python, with psycopg 3, in both ways of docs/streams.md.

    examples/consumers/consumer.py live       # the consumer keeps its position itself
    examples/consumers/consumer.py durable    # the database keeps it: exactly once, into a table

The database is the one that PGHOST, PGDATABASE and so on lead to, with the extension. Leave it running,
append from another terminal, and see the batch arrive:

    psql -c "SELECT factstr_append('[{\"event_type\": \"student-subscribed\",
                                      \"payload\": {\"course\": \"c1\", \"student\": \"ada\"}}]')"

Ctrl-C ends it. --until N ends it after fact number N, --wait SECONDS is how long it waits for a
notification before it looks anyway. The driver: apt-get install python3-psycopg, or pip install psycopg.
The exit status is 1 after an error, 2 after wrong arguments.
"""

import argparse
import json
import os
import re
import select
import signal
import sys
import time

try:
    import psycopg
    from psycopg.rows import namedtuple_row
except ImportError:
    sys.exit('consumer.py: there is no psycopg (apt-get install python3-psycopg, or pip install psycopg)')

QUERY = '{"filters": [{"event_types": ["student-subscribed"]}]}'
MAX_BATCHES = 100

# Under load (this many notifications at once), poll instead of listening: at this interval, for this time, in seconds.
BURST, PAUSE, PERIOD = 6, 0.02, 1


def show(batch):
    facts = ', '.join('%s %s' % (fact['event_type'], json.dumps(fact['payload'], ensure_ascii=False))
                      for fact in batch.event_records)
    print('facts %d-%d: %s' % (batch.first_sequence_number, batch.last_sequence_number, facts), flush=True)


class Live:
    """The position is a variable, so that each start begins with the first fact."""

    def __init__(self):
        self.position = 0

    def prepare(self, connection):
        pass

    def head(self, connection):
        return connection.execute("SELECT factstr_context_version('{}')").fetchone()[0]

    def take(self, connection):
        batches = connection.execute('SELECT * FROM factstr_batches(%s, %s, %s)',
                                     (QUERY, self.position, MAX_BATCHES)).fetchall()
        for batch in batches:
            show(batch)
            self.position = batch.last_sequence_number
        return batches


class Durable:
    """The position is the cursor of the stream "enrolments", and moves in the transaction that writes.

    If this program, its connection or the server fails, either both the rows and the new position are
    committed, or neither, and the same batches come again. Nothing is missed, nothing is done twice.
    Several consumers may run at once, in any language: they take turns.
    """

    def prepare(self, connection):
        with connection.transaction():
            connection.execute("SELECT factstr_stream_open('enrolments', %s)", (QUERY,))
            connection.execute('CREATE TABLE IF NOT EXISTS enrolments (course text, student text)')

    def head(self, connection):
        return connection.execute("SELECT head_sequence_number FROM factstr_stream_status"
                                  " WHERE name = 'enrolments'").fetchone()[0]

    def take(self, connection):
        with connection.transaction():
            batches = connection.execute("SELECT * FROM factstr_stream_next('enrolments', %s)",
                                         (MAX_BATCHES,)).fetchall()
            for batch in batches:
                for fact in batch.event_records:
                    connection.execute('INSERT INTO enrolments (course, student) VALUES (%s, %s)',
                                       (fact['payload']['course'], fact['payload']['student']))
            if batches:
                connection.execute("SELECT factstr_stream_ack('enrolments', %s)",
                                   (batches[-1].last_sequence_number,))
        for batch in batches:
            show(batch)
        return batches


def consume(connection, way, until, wait):
    # LISTEN comes before the first read: later commits are then announced.
    notifications = []
    connection.add_notify_handler(notifications.append)
    connection.execute('LISTEN factstr')
    way.prepare(connection)
    listen_at = None
    while True:
        notifications.clear()
        # If a read finds nothing, all that was in the log before it has been taken.
        head = way.head(connection) if until is not None else None
        batches = way.take(connection)
        taken = batches[-1].last_sequence_number if batches else head
        if until is not None and (taken or 0) >= until:
            return
        if len(notifications) >= BURST:
            # Being woken for each batch costs the machine more than looking now and then.
            connection.execute('UNLISTEN factstr')
            listen_at = time.monotonic() + PERIOD
        elif listen_at is None:
            # Some may have arrived during the read. If not, wait until there is something on the socket.
            if not batches and not notifications:
                select.select([connection], [], [], wait)
        elif time.monotonic() >= listen_at:
            # As above: before the next read.
            connection.execute('LISTEN factstr')
            listen_at = None
        elif len(batches) < MAX_BATCHES:
            time.sleep(PAUSE)


def fix_for(error, was_connected):
    """The fix of an error of the connection, the database or the rights; None if there is none."""
    message = str(error)
    if not was_connected:
        if re.search(r'database ".*" does not exist', message):
            return 'createdb makes it, PGDATABASE names another one'
        if re.search(r'password|authentication|pg_hba|role ".*" does not exist', message):
            return "PGUSER and PGPASSWORD say who you are; with the directory of the server's socket in PGHOST no password may be needed"
        return 'start the server, or set PGHOST and PGPORT to where it is'
    if error.sqlstate in ('42883', '42P01') and 'factstr' in message:
        return 'CREATE EXTENSION factstr in this database, or set PGDATABASE to one that has it'
    if error.sqlstate == '42501':
        return 'its owner grants it; "Rights" in docs/sql-reference.md lists the statements'
    return None


def main():
    parser = argparse.ArgumentParser(description='Prints facts as they are committed.')
    parser.add_argument('way', choices=['live', 'durable'])
    parser.add_argument('--until', type=int, metavar='N', help='end after fact number N')
    parser.add_argument('--wait', type=float, default=30, metavar='SECONDS',
                        help='look again after so long without a notification (30)')
    arguments = parser.parse_args()
    way = Live() if arguments.way == 'live' else Durable()

    connection = None
    while True:
        try:
            with psycopg.connect(autocommit=True, row_factory=namedtuple_row) as connection:
                consume(connection, way, arguments.until, arguments.wait)
                return 0
        except psycopg.OperationalError as error:
            # Not connected at all, or an error that a new connection does not fix.
            if connection is None or not connection.broken:
                return explain(error, connection is not None)
            # Continue from the position, which is still valid, over a new connection.
            print('connection lost, trying again:', error, file=sys.stderr, flush=True)
            time.sleep(1)
        except psycopg.Error as error:
            return explain(error, True)


def explain(error, was_connected):
    fix = fix_for(error, was_connected)
    words = (error.diag.message_primary or str(error)).split()
    print('consumer.py: ' + ' '.join(words) + (' (%s)' % fix if fix else ''), file=sys.stderr, flush=True)
    return 1


def end_at_once(*_):
    # At any point: the server rolls back uncommitted work, and delivers the batch again.
    os._exit(0)


if __name__ == '__main__':
    signal.signal(signal.SIGINT, end_at_once)
    signal.signal(signal.SIGTERM, end_at_once)
    sys.exit(main())
