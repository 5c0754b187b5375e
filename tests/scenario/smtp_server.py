"""A mail server that does as it is told, also what none should.

reply(command, argument, session) gives what is answered to a command: a str or
bytes as they are sent (without the line end), None for the usual answer, DROP
to close the connection. Commands are those of RFC 5321, and GREETING, MESSAGE
(the reply to the final dot) and LOGIN (the reply to credentials).
"""
import base64
import contextlib
import email
import email.policy
import hmac
import socket
import threading

DROP = object()


class Mail:
    def __init__(self, sender, recipients, data, session):
        self.sender, self.recipients = sender, recipients
        self.data, self.session = data, session

    @property
    def message(self):
        return email.message_from_bytes(self.data, policy=email.policy.strict)

    @property
    def id(self):
        return self.message["Message-ID"]


class Session:
    """What happened in one connection."""

    def __init__(self):
        self.commands = []
        self.secure = False
        self.greeted = False
        self.ready = {"RCPT": False, "DATA": False}
        self.user = None
        self.mails = 0


class SmtpServer:
    def __init__(self, reply=None, tls=None, implicit=False,
                 features=("PIPELINING", "SIZE 10000000"), auth=(),
                 users=None):
        self.reply = reply or (lambda command, argument, session: None)
        self.tls, self.implicit = tls, implicit
        self.features, self.auth = features, auth
        self.users = users or {}
        self.mails, self.sessions = [], []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def commands(self):
        return [command for session in self.sessions
                for command in session.commands]

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(connection,),
                             daemon=True).start()

    def _run(self, connection):
        session = Session()
        self.sessions.append(session)
        with contextlib.suppress(OSError), connection:
            if self.implicit:
                connection = self.tls.wrap_socket(connection,
                                                  server_side=True)
                session.secure = True
            with connection:
                self._talk(connection, session)

    def _usual(self, command, argument, session):
        if command == "EHLO":
            lines = ["scripted", *self.features]
            if self.tls and not session.secure:
                lines.append("STARTTLS")
            if self.auth and (session.secure or not self.tls):
                lines.append("AUTH " + " ".join(self.auth))
            return "\r\n".join(
                f"250{' ' if i + 1 == len(lines) else '-'}{line}"
                for i, line in enumerate(lines))
        # What MAIL or RCPT refused, the commands behind them can't mend.
        if command in ("RCPT", "DATA") and not session.ready[command]:
            return "503 5.5.1 bad sequence"
        return {"GREETING": "220 scripted ESMTP", "STARTTLS": "220 go ahead",
                "DATA": "354 go ahead", "QUIT": "221 bye",
                "LOGIN": "235 welcome"}.get(command, "250 ok")

    def _say(self, connection, command, argument, session):
        """Answers; False ends the connection."""
        answer = self.reply(command, argument, session)
        if answer is DROP:
            return False
        if answer is None:
            answer = self._usual(command, argument, session)
        if isinstance(answer, str):
            answer = answer.encode() + b"\r\n"
        connection.sendall(answer)
        session.last = answer[:3]
        return answer[:3] != b"421"

    def _login(self, connection, lines, way, first, session):
        def ask(challenge):
            connection.sendall(b"334 " + base64.b64encode(challenge) + b"\r\n")
            return base64.b64decode(next(lines).strip())

        if way == "PLAIN":
            given = base64.b64decode(first) if first else ask(b"")
            _, user, password = given.decode().split("\0")
        elif way == "LOGIN":
            user = (base64.b64decode(first) if first
                    else ask(b"Username:")).decode()
            password = ask(b"Password:").decode()
        elif way == "CRAM-MD5":  # RFC 2195: a digest in the password's place
            challenge = b"<1.2@scripted>"
            user, digest = ask(challenge).decode().rsplit(" ", 1)
            known = self.users.get(user, "")
            password = known if hmac.compare_digest(digest, hmac.new(
                known.encode(), challenge, "md5").hexdigest()) else None
        else:  # what a bearer's token travels in
            given = base64.b64decode(first) if first else ask(b"")
            user, password = way, given.decode()
        session.user = (user, password)
        answer = self.reply("LOGIN", user, session)
        if answer is None and self.users and \
                self.users.get(user) != password:
            answer = "535 5.7.8 authentication failed"
        connection.sendall((answer or "235 welcome").encode() + b"\r\n")

    def _talk(self, connection, session):
        # None is repeated behind STARTTLS (RFC 3207, section 4.2).
        if not (session.greeted or
                self._say(connection, "GREETING", "", session)):
            return
        session.greeted = True
        lines = iter(connection.makefile("rb").readline, b"")
        sender, recipients = None, []
        for line in lines:
            text = line.decode(errors="replace").rstrip("\r\n")
            command, _, argument = text.partition(" ")
            command = command.upper()
            session.commands.append(command)
            if command == "AUTH":
                way, _, first = argument.partition(" ")
                self._login(connection, lines, way.upper(), first, session)
                continue
            if not self._say(connection, command, argument, session):
                return
            good = session.last[:1] in b"23"
            if command == "STARTTLS" and session.last == b"220":
                session.secure = True
                with self.tls.wrap_socket(connection, server_side=True) as c:
                    return self._talk(c, session)
            if command in ("MAIL", "RSET"):
                session.ready = {"RCPT": command == "MAIL" and good,
                                 "DATA": False}
                sender, recipients = argument, []
            elif command == "RCPT" and good:
                session.ready["DATA"] = True
                recipients.append(argument[argument.index("<") + 1:
                                           argument.index(">")])
            elif command == "DATA" and session.last == b"354":
                data = b""
                for line in lines:
                    if line == b".\r\n":
                        break
                    data += line[1:] if line.startswith(b".") else line
                else:
                    return
                session.mails += 1
                mail = Mail(sender, recipients, data, session)
                if recipients:
                    self.mails.append(mail)
                if not self._say(connection, "MESSAGE", mail, session):
                    return
            elif command == "QUIT":
                return
