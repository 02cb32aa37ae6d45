"""Measures api-key-rotator beside an equivalent Python function, under one Runtime API and one simulator.

    measure.py --rotator PATH --simulator PATH [--python PATH] [--runs N]

--python is an interpreter that finds boto3 and awslambdaric, in the folder PYTHON_PACKAGES or by itself;
`measure/run` sees to it. For each function:
the time from the start of the process to its first request for work, its peak memory and its CPU time
with the start and one rotation of four steps. Prints medians and ratios; wall times depend on the machine,
ratios hardly.
"""

import argparse
import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOKEN = "admin-token-of-the-measurement"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def answer(self, status, body=b"", headers=()):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def serve(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Provider:
    """The provider of API keys, as the function's README describes it."""

    def __init__(self):
        self.keys = {"1": {"label": "made by hand", "key": "first-key"}}
        provider = self

        class Door(Handler):
            def do_GET(self):
                if self.path == "/health":
                    bearer = self.headers.get("authorization", "")
                    alive = any(bearer == f"Bearer {key['key']}" for key in provider.keys.values())
                    return self.answer(200 if alive else 401, {})
                listed = [{"id": id, "label": key["label"]} for id, key in provider.keys.items()]
                return self.answer(200, {"keys": listed})

            def do_POST(self):
                asked = json.loads(self.body())
                id = str(len(provider.keys) + 1) + "-" + uuid.uuid4().hex
                provider.keys[id] = {"label": asked["label"], "key": uuid.uuid4().hex}
                return self.answer(201, {"id": id, "key": provider.keys[id]["key"]})

            def do_DELETE(self):
                known = provider.keys.pop(self.path.rsplit("/", 1)[1], None)
                return self.answer(204 if known else 404)

        self.server = serve(Door)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}"


class Lambda:
    """The Runtime API, and the invoke API that the simulator calls."""

    def __init__(self):
        self.events = queue.Queue()
        self.asked = queue.Queue()
        self.answers = {}
        host = self

        class Door(Handler):
            def do_GET(self):
                host.asked.put(time.perf_counter())
                request_id, event = host.events.get()
                if event is None:
                    self.close_connection = True
                    return
                deadline = str(int((time.time() + 60) * 1000))
                headers = [
                    ("Lambda-Runtime-Aws-Request-Id", request_id),
                    ("Lambda-Runtime-Deadline-Ms", deadline),
                    ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:111122223333:function:f"),
                    ("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000"),
                ]
                return self.answer(200, event, headers)

            def do_POST(self):
                body = self.body()
                if "/functions/" in self.path:
                    request_id = str(uuid.uuid4())
                    answer = host.answers[request_id] = queue.Queue()
                    host.events.put((request_id, body))
                    failed, payload = answer.get(timeout=60)
                    return self.answer(200, payload, [("X-Amz-Function-Error", "Unhandled")] if failed else ())
                self.answer(202, {})
                if "/invocation/" in self.path:
                    request_id, what = self.path.rsplit("/", 2)[1:]
                    host.answers.pop(request_id).put((what == "error", body))
                else:
                    print("the function did not start:", body.decode(), file=sys.stderr)

        self.server = serve(Door)
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.invoke_url = f"http://{self.address}/2015-03-31/functions/{{function}}/invocations"


class Simulator:
    def __init__(self, program, host, provider):
        document = {"account_id": "7", "api_endpoint": provider.url, "api_key": "first-key", "key_id": "1"}
        secrets = [{"name": "measured", "value": document}, {"name": "admin", "value": TOKEN}]
        seed = {"secrets": secrets}
        self.seed = tempfile.NamedTemporaryFile("w", suffix=".json")
        self.seed.write(json.dumps(seed))
        self.seed.flush()
        arguments = ["--address", "127.0.0.1:0", "--seed", self.seed.name, "--invoke-url", host.invoke_url]
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            found = [word for word in line.replace("=", " ").split() if word.startswith("http://127.0.0.1:")]
            if found and "functions" not in found[0]:
                self.url = found[0]
                break
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def call(self, action, **parameters):
        parameters.setdefault("SecretId", "measured")
        headers = {"x-amz-target": f"secretsmanager.{action}", "content-type": "application/x-amz-json-1.1"}
        request = urllib.request.Request(self.url, json.dumps(parameters).encode(), headers)
        try:
            with urllib.request.urlopen(request) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{action}: {error.read().decode()}") from None

    def rotate(self):
        """One rotation; returns when the service has taken AWSPENDING off again."""
        token = str(uuid.uuid4())
        function = "arn:aws:lambda:eu-west-1:111122223333:function:f"
        self.call("RotateSecret", ClientRequestToken=token, RotationLambdaARN=function)
        for _ in range(3000):
            if self.call("DescribeSecret")["VersionIdsToStages"].get(token) == ["AWSCURRENT"]:
                return
            time.sleep(0.01)
        raise RuntimeError("the rotation did not succeed within 30 s")

    def current(self):
        return json.loads(self.call("GetSecretValue")["SecretString"])

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.seed.close()


def start(command, host, simulator, provider, variables=None):
    """Starts a function; returns it, and the milliseconds until it asked for work."""
    env = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": host.address,
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIAMEASURED",
        "AWS_SECRET_ACCESS_KEY": "of-no-use",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": simulator.url,
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHON_PACKAGES", "")]),
        **(variables or {"ADMIN_TOKEN": TOKEN, "ALLOWED_API_HOSTS": provider.host}),
        "LAMBDA_TASK_ROOT": str(HERE),
    }
    began = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    return process, (host.asked.get(timeout=60) - began) * 1000


def stop(process, host):
    """Ends a function; returns its peak memory in MiB and its CPU time in milliseconds."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    process.kill()
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = -9
    host.events.put((None, None))  # the request for work that it left behind
    time.sleep(0.05)
    while not host.asked.empty():
        host.asked.get()
    return peak / 1024, (usage.ru_utime + usage.ru_stime) * 1000


def measure(name, command, host, simulator, provider, runs):
    cold, peaks, cpus, walls = [], [], [], []
    for run in range(runs + 1):
        process, milliseconds = start(command, host, simulator, provider)
        began = time.perf_counter()
        simulator.rotate()
        wall = (time.perf_counter() - began) * 1000
        peak, cpu = stop(process, host)
        if run > 0:  # the first only fills caches
            cold.append(milliseconds)
            peaks.append(peak)
            cpus.append(cpu)
            walls.append(wall)
        print(f"\r{name}: {run} of {runs}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return [statistics.median(values) for values in (cold, peaks, cpus, walls)]


def check(command, host, simulator, provider):
    """One rotation by the README's function; its key must be another one then, and must work."""
    variables = {"ADMIN_SECRET_ARN": "admin", "API_HOST": provider.host}
    before = simulator.current()
    process, _ = start(command, host, simulator, provider, variables)
    simulator.rotate()
    stop(process, host)
    after = simulator.current()
    assert after["key_id"] != before["key_id"], "the key is still the same"
    assert provider.keys[after["key_id"]]["key"] == after["api_key"], "the provider does not know the key"
    print(f"{Path(command[0]).name}: rotated from key {before['key_id']} to {after['key_id']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rotator")
    parser.add_argument("--simulator", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--check", nargs="+", default=[], help="functions that only have to rotate a secret")
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    host, provider = Lambda(), Provider()
    simulator = Simulator(options.simulator, host, provider)
    try:
        for command in options.check:
            check([command], host, simulator, provider)
        if options.rotator is None:
            return
        shared = (host, simulator, provider, options.runs)
        ours = measure("api-key-rotator", [options.rotator], *shared)
        python = [options.python, "-m", "awslambdaric", "python_function.handler"]
        theirs = measure("Python", python, *shared)
    finally:
        simulator.stop()
    rows = [
        "cold start, ms",
        "peak memory, MiB",
        "CPU of start and one rotation, ms",
        "wall of that first rotation, ms",
    ]
    print("| median of", options.runs, "| api-key-rotator | Python, boto3 | ratio |")
    print("|---|---|---|---|")
    for row, ours_, theirs_ in zip(rows, ours, theirs):
        print(f"| {row} | {ours_:.1f} | {theirs_:.1f} | {theirs_ / ours_:.1f} |")


if __name__ == "__main__":
    main()
