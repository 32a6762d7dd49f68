"""A proxy between a PostgreSQL client and its server that cuts connections where a test says.

It listens on the loopback interface, passes on to the server's Unix socket, and understands no more
of the protocol than where a request ends (Sync or Query) and where its answer does (ReadyForQuery).
A function of the test is asked about each request, the startup of a connection included, and
returns None or a Cut.
"""

import collections
import re
import select
import socket
import struct
import threading

# Where a request may be cut, from the client's first byte to the server's last one.
UNSENT = 'before the server has it'
PARTLY_SENT = 'when the server has a part of it'
SENT = 'when the server has it'
IN_ANSWER = 'inside the answer'
BEFORE_READY = 'before ReadyForQuery'
ANSWERED = 'after the answer'
STEPS = (UNSENT, PARTLY_SENT, SENT, IN_ANSWER, BEFORE_READY, ANSWERED)

# How the client learns of it: a clean end, a reset, or not at all until release() is called.
CLOSE = 'close'
RESET = 'reset'
STALL = 'stall'

# When the server learns of it: at once; when it has answered; or not before release() is called, as
# if the network had been cut in two.
AT_ONCE = 'at once'
WHEN_DONE = 'when done'
NEVER = 'never'

# where: a number from 0 up to 1, for the byte at which PARTLY_SENT and IN_ANSWER cut.
Cut = collections.namedtuple('Cut', 'step how server where', defaults=(CLOSE, AT_ONCE, 0.5))

# kind is 'startup' or 'request', sql the text of its statements; is_executed tells an execution
# from a preparation.
Request = collections.namedtuple('Request', 'kind sql is_executed connection')

READY = b'Z\x00\x00\x00\x05'
READY_SIZE = 6
SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102


def name_of(request):
    """The function of the extension, or the command."""
    function = re.search(r'factstr_\w+', request.sql)
    if request.kind == 'startup':
        return 'startup'
    return function.group() if function else request.sql.split(' ')[0] or 'Sync'


class Ended(Exception):
    """The connection has come to its end."""


class CuttingProxy:
    def __init__(self, server_path, plan=lambda request: None):
        self.server_path = server_path
        self.plan = plan
        self.counts = collections.Counter()     # (what, step, how): how often
        self.requests = 0
        self.lock = threading.Lock()
        self.connections = set()
        self.changed = threading.Condition(self.lock)
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            connection = Connection(self, client)
            with self.lock:
                self.connections.add(connection)
            threading.Thread(target=connection.run, daemon=True).start()

    def ask(self, request):
        with self.lock:
            self.requests += 1
            cut = self.plan(request)
            if cut is not None:
                self.counts[name_of(request), cut.step, cut.how] += 1
            return cut

    def forget(self, connection):
        with self.changed:
            self.connections.discard(connection)
            self.changed.notify_all()

    def break_all(self, how=CLOSE):
        """Cuts every connection immediately."""
        with self.lock:
            for connection in self.connections:
                connection.interrupt(how)
            self.counts['any', 'at any moment', how] += len(self.connections)

    def release(self):
        """Ends what STALL and NEVER have kept."""
        with self.lock:
            for connection in self.connections:
                if connection.is_kept:
                    connection.interrupt(CLOSE)

    def wait_for_none(self, timeout):
        """Until no connection is left."""
        with self.changed:
            return self.changed.wait_for(lambda: not self.connections, timeout)

    def close(self):
        self.listener.close()
        self.break_all()


class Connection:
    def __init__(self, proxy, client):
        self.proxy = proxy
        self.client = client
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.wake, self.woken = socket.socketpair()
        self.how = CLOSE
        self.is_kept = False
        self.has_started = False
        self.sent = b''             # by the client, not a whole message yet
        self.group = b''            # whole messages of a request that is not whole yet
        self.statements = {}        # prepared ones, by name
        self.portals = {}
        self.sql = []
        self.is_executed = False
        self.cut = None             # for the request in progress
        self.answer = b''           # so much of its answer, if it is to be cut

    def interrupt(self, how):
        self.how = how
        try:
            self.wake.send(b'x')
        except OSError:
            pass

    # The life of a connection.

    def run(self):
        try:
            self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.server.connect(self.proxy.server_path)
            while True:
                self.relay()
        except (Ended, OSError):
            pass
        self.end_client()
        self.server.close()
        self.wake.close()
        self.woken.close()
        self.proxy.forget(self)

    def end_client(self):
        if self.client.fileno() < 0:
            return
        if self.how == RESET:
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.client.close()

    def relay(self):
        ready, _, _ = select.select([self.client, self.server, self.woken], [], [])
        if self.woken in ready:
            raise Ended
        if self.server in ready:
            self.take_from_server(self.receive(self.server))
        elif self.client in ready:
            self.take_from_client(self.receive(self.client))

    def receive(self, sender):
        data = sender.recv(65536)
        if not data:
            raise Ended
        return data

    # From the client.

    def take_from_client(self, data):
        self.sent += data
        while self.next_message():
            pass

    def next_message(self):
        header = 1 if self.has_started else 0
        if len(self.sent) < header + 4:
            return False
        end = header + struct.unpack_from('!i', self.sent, header)[0]
        if len(self.sent) < end:
            return False
        message, self.sent = self.sent[:end], self.sent[end:]
        if self.has_started:
            self.take_message(message)
        else:
            self.take_startup(message)
        return True

    def take_startup(self, message):
        code = struct.unpack_from('!i', message, 4)[0]
        if code in (SSL_REQUEST, GSSENC_REQUEST):
            self.client.sendall(b'N')
        elif code == CANCEL_REQUEST:
            self.server.sendall(message)
        else:
            self.has_started = True
            self.pass_request(message, Request('startup', '', False, self))

    def take_message(self, message):
        kind = message[:1]
        self.group += message
        self.understand(kind, message[5:])
        if kind in b'SQ':
            request = Request('request', '; '.join(self.sql), self.is_executed, self)
            group, self.group, self.sql, self.is_executed = self.group, b'', [], False
            self.pass_request(group, request)
        elif kind not in b'PBDECH':
            self.server.sendall(self.group)
            self.group = b''

    def understand(self, kind, body):
        texts = body.split(b'\0', 2)
        if kind == b'Q':
            self.sql.append(texts[0].decode())
            self.is_executed = True
        elif kind == b'P':
            self.statements[texts[0]] = texts[1].decode()
            self.sql.append(self.statements[texts[0]])
        elif kind == b'B':
            self.portals[texts[0]] = self.statements.get(texts[1], '')
        elif kind == b'E':
            if self.portals.get(texts[0], '') not in self.sql:
                self.sql.append(self.portals.get(texts[0], ''))
            self.is_executed = True

    def pass_request(self, data, request):
        self.cut, self.answer = self.proxy.ask(request), b''
        if self.cut is None:
            self.server.sendall(data)
            return
        if self.cut.step == PARTLY_SENT:
            self.server.sendall(data[:1 + int(self.cut.where * (len(data) - 1))])
        elif self.cut.step != UNSENT:
            self.server.sendall(data)
        if self.cut.step in (UNSENT, PARTLY_SENT, SENT):
            self.cut_here(answer_is_due=self.cut.step == SENT)

    # From the server.

    def take_from_server(self, data):
        if self.cut is None:
            self.client.sendall(data)
            return
        self.answer += data
        if self.answer[-READY_SIZE:-1] != READY:
            return
        size = len(self.answer)
        if self.cut.step == IN_ANSWER:
            size = 1 + int(self.cut.where * (size - READY_SIZE - 1))
        elif self.cut.step == BEFORE_READY:
            size -= READY_SIZE
        self.client.sendall(self.answer[:size])
        self.cut_here(answer_is_due=False)

    # Cutting.

    def cut_here(self, answer_is_due):
        self.how = self.cut.how
        if self.cut.how == STALL:
            self.keep_until_released()
        elif self.cut.server == NEVER:
            self.end_client()
            self.keep_until_released()
        elif self.cut.server == WHEN_DONE and answer_is_due:
            self.end_client()
            while self.answer[-READY_SIZE:-1] != READY:
                self.answer += self.receive(self.server)
        raise Ended

    def keep_until_released(self):
        """Neither side hears of the other; a client that gives up ends it as well."""
        self.is_kept = True
        watched = [self.woken]
        if self.client.fileno() >= 0:
            watched.append(self.client)
        while True:
            ready, _, _ = select.select(watched, [], [])
            if self.woken in ready or not self.client.recv(65536):
                raise Ended
