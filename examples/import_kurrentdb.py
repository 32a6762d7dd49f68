#!/usr/bin/env python3
"""Moves the events of KurrentDB into a factstr store: one fact per event, with its time.

    examples/import_kurrentdb.py http://127.0.0.1:2113 | factstr --store postgresql:///facts import

It reads the stream $all over HTTP, from the oldest event on, and prints a line for each event that factstr import
accepts. The server has to run with EnableAtomPubOverHttp, and the user has to be allowed to read $all: KURRENTDB_USER
(admin) and KURRENTDB_PASSWORD. SSL_CERT_FILE names the certificates that https trusts. --stream NAME reads one stream
instead. Events of the system, whose types begin with $, are left out.

The payload is the data of the event and the member stream, so that a query finds the facts of a stream, as
{"filters": [{"payload_predicates": [{"stream": "account-123"}]}]}; a member of that name in the data is kept instead.
The metadata has that of the event and its number in the stream. The id of the event is the idempotency key, so events
that were imported earlier are skipped. Run it while the old application still writes, and once more after it has
stopped. The exit status is 1 after an error; what was printed before can be imported.
"""

import argparse
import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT = 60
FIXES = {
    401: ' (set KURRENTDB_USER and KURRENTDB_PASSWORD)',
    403: ' (the user may not read this stream)',
    404: ' (there is no such stream, or the server was started without EnableAtomPubOverHttp)',
}


class Number(str):
    """A number as it is written, so that no digit is lost."""


class Failure(Exception):
    pass


def request(url, authorization):
    headers = {'Accept': 'application/vnd.eventstore.atom+json'}
    if authorization:
        headers['Authorization'] = authorization
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Failure('%s: HTTP status %d%s' % (url, error.code, FIXES.get(error.code, ''))) from error
    except (OSError, ValueError) as error:
        raise Failure('%s: %s' % (url, getattr(error, 'reason', error))) from error


def with_bodies(url):
    return url + ('&' if urllib.parse.urlsplit(url).query else '?') + 'embed=body'


def link(page, relation):
    return next((link['uri'] for link in page['links'] if link['relation'] == relation), None)


def events(server, stream, authorization):
    """Yields the entries of a stream, oldest first: "last" is the page with the oldest, "previous" has newer ones."""
    first = '%s/streams/%s' % (server.rstrip('/'), urllib.parse.quote(stream, safe=''))
    page = request(with_bodies(first), authorization)
    oldest = link(page, 'last')
    if oldest:
        page = request(with_bodies(oldest), authorization)
    while page['entries']:
        yield from reversed(page['entries'])
        newer = link(page, 'previous')
        if not newer:
            break
        page = request(with_bodies(newer), authorization)


def fact(event):
    stream, number = event['streamId'], event['eventNumber']
    where = 'event %s of stream %s' % (number, stream)
    if not event['isJson']:
        raise Failure('%s is not JSON: read it with a client of KurrentDB, and translate it' % where)
    try:
        data = json.loads(event['data'], parse_float=Number, parse_int=Number)
        own = json.loads(event['metaData']) if event.get('metaData') else None
    except ValueError as error:
        raise Failure('%s: %s' % (where, error)) from error
    payload = {'stream': stream, **data} if isinstance(data, dict) else {'stream': stream, 'data': data}
    metadata = {'number': number, **({'metadata': own} if own is not None else {})}
    return ('{"event_type": %s, "payload": %s, "metadata": %s, "occurred_at": %s, "idempotency_key": %s}' % (
        text_of(event['eventType']), text_of(payload), text_of({'kurrentdb': metadata}), text_of(event['updated']),
        text_of('kurrentdb ' + event['eventId'])))


def text_of(value):
    """JSON with each number as it was written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return '{%s}' % ', '.join('%s: %s' % (json.dumps(key), text_of(member)) for key, member in value.items())
    if isinstance(value, list):
        return '[%s]' % ', '.join(text_of(element) for element in value)
    return json.dumps(value)


def main():
    parser = argparse.ArgumentParser(description='Prints the events of KurrentDB for factstr import.')
    parser.add_argument('server', help='URL of a node, such as http://127.0.0.1:2113')
    parser.add_argument('--stream', default='$all', metavar='NAME', help='read this stream ($all)')
    arguments = parser.parse_args()
    password = os.environ.get('KURRENTDB_PASSWORD')
    authorization = None
    if password is not None:
        user = os.environ.get('KURRENTDB_USER', 'admin')
        authorization = 'Basic ' + base64.b64encode(('%s:%s' % (user, password)).encode()).decode()
    try:
        for event in events(arguments.server, arguments.stream, authorization):
            if not event['eventType'].startswith('$'):
                print(fact(event))
    except Failure as error:
        print('import_kurrentdb.py: %s' % error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The import has failed, and has said why.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
