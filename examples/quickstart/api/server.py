"""A page that counts its visits in the cache. Only Python's standard library."""
import http.server
import os
import signal
import socket
import sys


def cache(*words):
    """Sends one command to Redis and returns its one-line answer."""
    request = "".join([f"*{len(words)}\r\n"] + [f"${len(word)}\r\n{word}\r\n" for word in words])
    with socket.create_connection((os.environ["CACHE"], 6379), timeout=2) as connection:
        connection.sendall(request.encode())
        answer = connection.makefile().readline().strip()
        if answer.startswith("$"):
            answer = connection.makefile().readline().strip()
    return answer.lstrip(":+")


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = "ok\n"
        if self.path != "/health":
            text = f"{os.environ['GREETING']}! Visit {cache('INCR', 'visits')} since the migration.\n"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, form, *values):
        if self.path != "/health":
            print(form % values, flush=True)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("listening on port 8000", flush=True)
http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()
