"""A bridge: takes a payment provider's events, in its words, and reports them to flashsale. Event names and signature are those
of one well-known provider; docs/payment-provider.md says what to change for another.

    FLASHSALE=http://127.0.0.1:8000 WEBHOOK_SECRET=whsec_… PROVIDER_SECRET=… python3 examples/payment_bridge.py [PORT]
"""

import base64, hmac, json, os, sys, time, urllib.error, urllib.request
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Only what is final. A declined card (payment_intent.payment_failed) is not: the customer may try another.
FINAL = {"payment_intent.succeeded": "success", "payment_intent.canceled": "failure"}
NO_CENTS = {"jpy", "krw", "vnd", "clp"}
SECRET = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))

def is_the_providers(header, body):
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    expected = hmac.digest(os.environ["PROVIDER_SECRET"].encode(), parts.get("t", "").encode() + b"." + body, "sha256").hex()
    is_fresh = parts.get("t", "").isdecimal() and abs(time.time() - int(parts["t"])) < 300
    return is_fresh and hmac.compare_digest(expected.encode(), parts.get("v1", "").encode())

def report(event):
    """The status and the words of flashsale's answer. The provider repeats what did not get a 2xx."""
    paid, scale = event["data"]["object"], 0 if event["data"]["object"]["currency"] in NO_CENTS else 2
    payload = {"transaction_id": paid["id"], "amount": str(Decimal(paid["amount"]).scaleb(-scale))}
    body = json.dumps({"idempotency_key": event["id"], "order_id": int(paid["metadata"]["order_id"]),
                       "status": FINAL[event["type"]], "payload": payload}).encode()
    now = str(int(time.time()))
    signature = base64.b64encode(hmac.digest(SECRET, f"{event['id']}.{now}.".encode() + body, "sha256")).decode()
    headers = {"webhook-id": event["id"], "webhook-timestamp": now, "webhook-signature": f"v1,{signature}"}
    request = urllib.request.Request(os.environ["FLASHSALE"] + "/api/payments/webhook", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 503, b"flashsale has not answered"

class Bridge(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 65536))
        if not is_the_providers(self.headers.get("Stripe-Signature", ""), body):
            status, words = 401, b"not signed by the provider"
        else:
            event = json.loads(body)
            status, words = report(event) if event["type"] in FINAL else (200, b"not final: nothing to report")
        self.send_response(status)
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if sys.argv[1:] else 8001), Bridge)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
