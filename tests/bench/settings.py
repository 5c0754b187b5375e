"""Settings put into the store of a daemon that does not run."""
import contextlib
import glob
import json
import sqlite3


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def webhook(tenant, name, events, **settings):
    """The setting of a channel that was made over the API."""
    return f"api_channel/{tenant}/{name}", compact({
        "name": name, "module": "webhook", "events": events,
        "settings": settings, "version": 1})


def put(database, settings):
    """Puts (name, value) pairs there, and numbers the channels among them."""
    database.executemany("INSERT INTO setting (name, value) VALUES (?, ?)",
                         settings)
    database.execute("""
        INSERT OR IGNORE INTO channel (tenant, name)
        SELECT substr(place, 1, instr(place, '/') - 1),
               substr(place, instr(place, '/') + 1)
        FROM (SELECT substr(name, length('api_channel/') + 1) AS place
              FROM setting WHERE name GLOB 'api_channel/*')""")


def keep(daemon, settings):
    store, = glob.glob(f"{daemon.directory}/state/*.db")
    with contextlib.closing(sqlite3.connect(store)) as database, database:
        put(database, settings)
