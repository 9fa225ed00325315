"""The demo once a broker runs: starts hoptrail, plays the day, prints what hoptrail says, and checks it.

Called by scripts/demo, which owns the broker and the directory of work.
"""

import argparse
import pathlib
import signal
import sys
import time

import checks
import day as days
import existing as existings
import fixture as fixtures
import hoptrail as hoptrails
import personal
import receiver as receivers

REPO = pathlib.Path(__file__).resolve().parents[2]
# Deadlines as short as the demo: a message that waits three seconds is stalled, as is manufacturing that takes longer.
UNDELIVERED_AFTER = "3s"
STATUSES = """[
    { status = "SUBMITTED", stalled_after = "30m" },
    { status = "PRICE_CALCULATED", stalled_after = "30m" },
    { status = "MANUFACTURING_APPROVED", stalled_after = "30m" },
    { status = "MANUFACTURING_STARTED", stalled_after = "3s" },
]"""
# Until hoptrail has recorded everything and every deadline is over. Then the answers do not change any more.
SETTLE_SECONDS = 60


def main():
    arguments = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    fixture = fixtures.Fixture(REPO / "fixtures")
    day = days.Day(fixture, arguments.url, days.Ledger(pathlib.Path(arguments.work) / "ledger.jsonl"))
    receiver = receivers.Receiver()
    hoptrail = hoptrails.Hoptrail(arguments.binary, REPO / "config.toml", arguments.work, settings(arguments, receiver))
    existing = existings.Existing(arguments.url, arguments.management) if arguments.existing else None
    if existing and day.exists():
        print("\nFAILED: this vhost has queues of the demo's names already; use an empty one", file=sys.stderr)
        return 1
    try:
        day.declare()
        return demo(arguments, fixture, day, receiver, hoptrail)
    except (days.Overdue, hoptrails.NotRunning, RuntimeError) as error:
        print(f"\nFAILED: {error}", file=sys.stderr)
        return 1
    finally:
        hoptrail.stop()
        day.end()
        receiver.close()
        if existing:
            day.remove()
            existing.restore()


def settings(arguments, receiver):
    """What the demo needs other than config.toml has it."""
    return {
        "BROKER__URL": arguments.url,
        "BROKER__MANAGEMENT_URL": arguments.management,
        "TAP__INSTANCE": existings.INSTANCE,
        "FLOW__UNDELIVERED_AFTER": UNDELIVERED_AFTER,
        "FLOW__STATUSES": STATUSES,
        "ALERT__WEBHOOK_URL": receiver.url,
    }


def demo(arguments, fixture, day, receiver, hoptrail):
    """0: every answer is right."""
    hoptrail.start()
    hoptrail.wait_ready()
    wait_live(hoptrail)
    print(f"hoptrail observes the broker, and answers at {hoptrail.url}. The day begins:")
    day.start()
    unnamed = arguments.existing and source_state(hoptrail, "events") == "off"
    if not unnamed:
        wait_named(hoptrail, fixture)
    day.play(on_scene=lambda text: print(f"  {text}"))
    print(f"The day is over: {len(day.ledger.entries)} messages were published.")
    wrong = settle(lambda: checks.all_checks(hoptrail, fixture, receiver, day.ledger, unnamed))
    show(hoptrail, fixture, receiver)
    wrong += personal.leaks(hoptrail, fixture, receiver)
    for line in wrong:
        print(f"WRONG  {line}", file=sys.stderr)
    if wrong:
        print(f"\nFAILED: {len(wrong)} answers are not as expected.\n{hoptrail.log()[-4000:]}", file=sys.stderr)
    else:
        print("Every answer is right, and nothing unmasked was found.")
    if arguments.keep:
        keep(arguments, hoptrail)
    return 1 if wrong else 0


def wait_live(hoptrail):
    """Until every source that this broker has observes."""
    deadline = time.monotonic() + hoptrails.READY_SECONDS
    while True:
        sources = hoptrail.api("/coverage")["sources"]
        waiting = [entry["source"] for entry in sources if entry["state"] == "connecting"]
        if sources and not waiting:
            return
        if time.monotonic() > deadline:
            raise hoptrails.NotRunning(f"these sources do not become live: {waiting}\n{hoptrail.log()}")
        time.sleep(0.1)


def source_state(hoptrail, name):
    sources = hoptrail.api("/coverage")["sources"]
    return next((entry["state"] for entry in sources if entry["source"] == name), None)


def wait_named(hoptrail, fixture):
    """Until hoptrail knows who stands behind the services' connections, which exist long before their messages."""
    wanted = {entry["client_name"] for entry in fixture.topology["services"].values()}
    deadline = time.monotonic() + hoptrails.READY_SECONDS
    while True:
        opened = hoptrail.events(kind="session_open")
        missing = wanted - {event.get("session", {}).get("client_name") for event in opened}
        if not missing:
            return
        if time.monotonic() > deadline:
            raise hoptrails.NotRunning(f"hoptrail did not see these clients connect: {sorted(missing)}")
        time.sleep(0.1)


def settle(check):
    """Checks until nothing is wrong, or until it can no longer become right."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        wrong = check()
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(0.5)


def show(hoptrail, fixture, receiver):
    """What a person would ask, as the command line answers it."""
    for order_id, order in fixture.orders.items():
        heading(f"hoptrail order {order_id}: {order['case']}")
        print(hoptrail.command("order", order_id))
    for command in ("stalled", "dead-letters", "coverage", "alerts"):
        heading(f"hoptrail {command}")
        print(hoptrail.command(command))
    heading("what the webhook was told")
    for alert in receiver.alerts():
        print(f"{alert['state']}: {alert['summary']}")
    print()


def heading(text):
    print(f"──── {text} ".ljust(110, "─"), flush=True)


def keep(arguments, hoptrail):
    """Stays until a signal comes. The URL's password is not repeated."""
    broker = arguments.url.rpartition("@")[2]
    print(f"\nhoptrail:   {hoptrail.url}\nbroker:     {broker}\nmanagement: {arguments.management}")
    print(f"journal:    {hoptrail.journal}\nlog:        {hoptrail.log_path}\n\nCtrl-C ends it all.", flush=True)
    while True:
        signal.pause()


def read_arguments():
    parser = argparse.ArgumentParser(description="Plays the fixture under hoptrail, and checks what it says.")
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True, help="a directory of its own")
    parser.add_argument("--url", required=True)
    parser.add_argument("--management", default="")
    parser.add_argument("--existing", action="store_true", help="remove the topology afterwards")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    arguments.management = arguments.management or existings.management_of(arguments.url)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
