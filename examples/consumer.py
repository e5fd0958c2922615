"""Reads flashsale's feed of events and prints each as a line of JSON: a shop would ship or mail in its place.

    FLASHSALE_FEED_TOKEN=… python3 examples/consumer.py http://127.0.0.1:8000 FILE

FILE keeps one number, the last event that was printed. The next number is on the disk before its event is printed, and takes
the place of the last one right after that, whole or not at all. So this program may be killed at any point and goes on where it
was; only if killed between these two steps it prints that event again. Who acts on an event remembers its id together with what
was done, and does nothing the second time.
"""

import http.client, json, os, sys, time, urllib.error, urllib.request

url, file = sys.argv[1:3]
headers = {"Authorization": f"Bearer {os.environ['FLASHSALE_FEED_TOKEN']}"}

def prepare(number):
    with open(f"{file}.new", "w") as new:
        new.write(str(number))
        new.flush()
        os.fsync(new.fileno())

after = int(open(file).read()) if os.path.exists(file) else 0
while True:
    request = urllib.request.Request(f"{url}/api/events?after={after}&wait_s=30", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:
            page = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code < 500:  # 410: events are missing; what happened meanwhile is in `flashsale export orders`
            sys.exit(f"{error.code}: {error.read().decode()}")
        time.sleep(1)
    except (OSError, http.client.HTTPException):
        time.sleep(1)
    else:
        for event in page["data"]:
            after = event["id"]
            prepare(after)
            sys.stdout.write(json.dumps(event) + "\n")  # at once, and so whole or not at all
            sys.stdout.flush()
            os.replace(f"{file}.new", file)
