"""Looks for the fixture's personal data in everything that hoptrail said and wrote: none of it may be there."""


def leaks(hoptrail, fixture, receiver):
    """A line for each place where something unmasked stands."""
    values = fixture.personal()
    wrong = []
    seen = 0
    for event in list(hoptrail.events()):
        hoptrail.api(f"/events/{event['seq']}")
        seen += 1
    if seen == 0:
        return ["there are no events to look through"]
    for name, text in hoptrail.answers:
        wrong += found_in(name, text, values)
    for body in receiver.bodies():
        wrong += found_in("the webhook's alert", body, values)
    wrong += found_in("hoptrail's log", hoptrail.log(), values)
    return wrong + in_files(hoptrail.journal, values)


def found_in(name, text, values):
    """A phone number in JSON may be spelt with escapes, but not its digits, which are among the values too."""
    return [f"unmasked in {name}: {value}" for value in values if value in text]


def in_files(directory, values):
    """The raw bytes of the journal: blocks are compressed, but what is not repeated stands in them as it is."""
    wrong = []
    files = [path for path in directory.rglob("*") if path.is_file()]
    if not files:
        return [f"{directory} holds no files"]
    for path in files:
        content = path.read_bytes()
        wrong += [f"unmasked in {path}: {value}" for value in values if value.encode() in content]
    return wrong
