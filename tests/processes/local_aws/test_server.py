"""The whole application of the local AWS, asked without a port, in a process of its own."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio, sys
from pathlib import Path
from local_aws.server import application
from local_aws.checkout import Checkout

checkout = Checkout(Path(sys.argv[1]))
app = application(checkout)

def ask(*headers, body=b"Action=GetCallerIdentity"):
    sent = []
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}
    async def send(message):
        sent.append(message)
    given = [
        (b"host", checkout.registry.encode()),
        (b"content-type", b"application/x-www-form-urlencoded"),
        *headers,
    ]
    scope = {"type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"",
             "headers": given, "client": ("127.0.0.1", 1)}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:]).decode()

def signed(key):
    return b"authorization", f"AWS4-HMAC-SHA256 Credential={key}/20260101/eu-west-1/sts/aws4_request".encode()

"""


def answers(checkout: Path, question: str) -> str:
    """What the program prints for a question about `ask`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{PROGRAM}print({question})", str(checkout)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_program_of_this_machine_is_answered_and_a_web_page_is_not(tmp_path: Path) -> None:
    page = '(b"origin", b"https://evil.example")'

    assert "200 403" == answers(tmp_path, f'ask(signed("test"))[0], ask(signed("test"), {page})[0]')


def test_the_key_of_another_checkout_is_refused_and_its_own_is_taken(tmp_path: Path) -> None:
    own = "ask(signed(checkout.access_key))[0]"
    another = 'ask(signed("slipway00000000"))'

    assert "200 400 True" == answers(
        tmp_path, f'{own}, {another}[0] // 100 * 100, "InvalidClientTokenId" in {another}[1]'
    )
