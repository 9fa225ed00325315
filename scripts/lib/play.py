"""Plays the fixture on a broker, for tests and for looking on.

    /usr/bin/python3 scripts/lib/play.py --url amqp://… [--fixture DIR] [--rounds N] [--ledger FILE]

Every publish that the broker confirmed is a line of the ledger. Exit 0: all rounds were played, and every delivery
came. With --tolerant a scene that does not end as planned (a broker restarted in between) is told, and no failure.
"""

import argparse
import pathlib
import sys
import time

import day as days
import fixture as fixtures


def main():
    arguments = read_arguments()
    fixture = fixtures.Fixture(arguments.fixture)
    day = days.Day(fixture, arguments.url, days.Ledger(arguments.ledger), arguments.tolerant)
    if not arguments.no_declare:
        day.declare()
    if arguments.declare_only:
        return 0
    day.start()
    try:
        for number in range(arguments.first_round, arguments.first_round + arguments.rounds):
            day.play(number, on_scene=lambda text: time.sleep(arguments.pause / 1000))
    except days.Overdue as overdue:
        print(overdue, file=sys.stderr)
        return 1
    finally:
        day.end()
    for text in day.overdue:
        print(text, file=sys.stderr)
    lost = sum(1 for entry in day.ledger.entries if not entry["confirmed"])
    print(f"published {len(day.ledger.entries)} messages, {lost} of them unconfirmed")
    return 0


def read_arguments():
    parser = argparse.ArgumentParser(description="Plays the fixture on a broker.")
    parser.add_argument("--url", required=True, help="amqp://user:password@host:port/vhost")
    parser.add_argument("--fixture", default=pathlib.Path(__file__).resolve().parents[2] / "fixtures")
    parser.add_argument("--rounds", type=int, default=1, help="play the day N times, under other order numbers")
    parser.add_argument("--first-round", type=int, default=1, help="the number of the first round")
    parser.add_argument("--pause", type=int, default=0, metavar="MS", help="wait before each scene")
    parser.add_argument("--ledger", help="append a line of JSON for every publish")
    parser.add_argument("--tolerant", action="store_true", help="keep on when deliveries are missing")
    parser.add_argument("--no-declare", action="store_true", help="the topology is there")
    parser.add_argument("--declare-only", action="store_true", help="declare the topology and end")
    arguments = parser.parse_args()
    if arguments.first_round + arguments.rounds > fixtures.ROUNDS_MAX:
        parser.error(f"there are at most {fixtures.ROUNDS_MAX} rounds")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
