#!/usr/bin/env python3
"""An outbox: sends each new fact to a webhook, in order, at least once.

    examples/outbox.py http://localhost:8080/orders order-placed

The arguments are the receiver's URL and the event types to send. The database is the one that PGHOST, PGDATABASE and
so on lead to, with the extension. The log is the outbox; the durable stream --stream remembers what has been sent.

Each fact is a POST of its event record as JSON, with these headers:

    Idempotency-Key   the stream and the sequence number, such as webhook-42: the same each time the fact is sent
    Fencing-Token     a number that increases when another sender takes over

Any status of 2xx acknowledges the fact. If this program is killed between the answer and the acknowledgement in the
database, the fact is sent again, so the receiver has to ignore keys that it has processed. Facts arrive in order, so
it is enough to remember the highest sequence number. A receiver that also remembers the highest token can reject a
sender that was stopped for a while and does not know that another one has taken over.

After any other status, or without an answer, the failure is recorded in factstr_stream_status, and the fact is sent
again after a pause, which doubles up to a minute. Later facts wait for it. Start as many senders as you like: one
sends, and the others stand by.

Ctrl-C ends it. --until N ends it after fact number N. The driver: apt-get install python3-psycopg, or pip install
psycopg. The exit status is 1 after an error of the database, 2 after wrong arguments.
"""

import argparse
import http.client
import json
import os
import signal
import sys
import time
from urllib.parse import urlsplit

try:
    import psycopg
    from psycopg.rows import namedtuple_row
except ImportError:
    sys.exit('outbox.py: there is no psycopg (apt-get install python3-psycopg, or pip install psycopg)')

MAX_PAUSE = 60


class NotSent(Exception):
    """The receiver did not accept a fact, or did not answer."""


class Receiver:
    def __init__(self, url, timeout):
        self.url = urlsplit(url)
        self.timeout = timeout
        if self.url.scheme not in ('http', 'https') or not self.url.hostname:
            raise ValueError('"%s" is not the URL of a webhook, such as http://localhost:8080/orders' % url)

    def send(self, body, headers):
        connect = http.client.HTTPSConnection if self.url.scheme == 'https' else http.client.HTTPConnection
        connection = connect(self.url.hostname, self.url.port, timeout=self.timeout)
        path = (self.url.path or '/') + ('?' + self.url.query if self.url.query else '')
        try:
            connection.request('POST', path, body.encode(), {'Content-Type': 'application/json', **headers})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise NotSent('no answer: %s' % (error or type(error).__name__)) from error
        finally:
            connection.close()
        if not 200 <= status < 300:
            raise NotSent('HTTP status %d' % status)


class Outbox:
    def __init__(self, connection, receiver, arguments):
        self.connection = connection
        self.receiver = receiver
        self.stream = arguments.stream
        self.event_types = arguments.event_types
        self.pause = arguments.pause

    def value(self, sql, *arguments):
        return self.connection.execute(sql, arguments).fetchone()[0]

    def status(self, column):
        return self.value("SELECT %s FROM factstr_stream_status WHERE log = 'main' AND name = %%s" % column, self.stream)

    def run(self, until):
        query = json.dumps({'filters': [{'event_types': self.event_types}]} if self.event_types else {})
        self.value('SELECT factstr_stream_open(%s, %s)', self.stream, query)
        while True:
            # Waits while another sender holds the stream. No transaction is open during the requests.
            token = self.value('SELECT factstr_stream_hold(%s)', self.stream)
            try:
                self.send_all(token, until)
                return
            except NotSent as error:
                pause = min(MAX_PAUSE, self.pause * 2 ** min(self.status('failure_count'), 20))
                self.value("SELECT factstr_stream_fail(%s, %s, now() + %s * interval '1 s')", self.stream, str(error),
                           pause)
            # Another sender may continue during the pause.
            self.value('SELECT factstr_stream_release(%s)', self.stream)
            time.sleep(pause)

    def send_all(self, token, until):
        while True:
            sent = self.send_batch(token)
            cursor = self.status('cursor_sequence_number')
            if until is not None and cursor >= until:
                return
            if not sent:
                self.connection.execute("CALL factstr_wait_for_facts(%s, '1 min')", (cursor,))

    def send_batch(self, token):
        # As text, so that numbers keep all of their digits.
        facts = self.connection.execute("""
            SELECT (record->>'sequence_number')::bigint AS sequence_number, record::text AS body, last_sequence_number
            FROM factstr_stream_next(%s), jsonb_array_elements(event_records) AS record
            ORDER BY 1""", (self.stream,)).fetchall()
        for fact in facts:
            self.receiver.send(fact.body, {'Idempotency-Key': '%s-%d' % (self.stream, fact.sequence_number),
                                           'Fencing-Token': str(token)})
            print('sent %d' % fact.sequence_number, flush=True)
        if facts:
            self.value('SELECT factstr_stream_ack(%s, %s)', self.stream, facts[0].last_sequence_number)
        return bool(facts)


def main():
    parser = argparse.ArgumentParser(description='Sends new facts to a webhook.')
    parser.add_argument('url', help='URL of the webhook')
    parser.add_argument('event_types', nargs='*', metavar='event_type', help='event types to send (all)')
    parser.add_argument('--stream', default='webhook', metavar='NAME', help='name of the durable stream (webhook)')
    parser.add_argument('--until', type=int, metavar='N', help='end after fact number N')
    parser.add_argument('--timeout', type=float, default=10, metavar='SECONDS', help='wait so long for an answer (10)')
    parser.add_argument('--pause', type=float, default=1, metavar='SECONDS', help='first pause after a failure (1)')
    arguments = parser.parse_args()
    try:
        receiver = Receiver(arguments.url, arguments.timeout)
    except ValueError as error:
        parser.error(str(error))

    connected = False
    while True:
        try:
            with psycopg.connect(autocommit=True, client_encoding='utf8', row_factory=namedtuple_row) as connection:
                connected = True
                Outbox(connection, receiver, arguments).run(arguments.until)
                return 0
        except psycopg.Error as error:
            # A lost connection has lost the hold, too, so start again from the cursor.
            lost = connected and isinstance(error, psycopg.OperationalError) and connection.broken
            print('outbox.py: %s%s' % ('connection lost, trying again: ' if lost else '', ' '.join(str(error).split())),
                  file=sys.stderr, flush=True)
            if not lost:
                return 1
            time.sleep(1)


def end_at_once(*_):
    os._exit(0)


if __name__ == '__main__':
    signal.signal(signal.SIGINT, end_at_once)
    signal.signal(signal.SIGTERM, end_at_once)
    sys.exit(main())
