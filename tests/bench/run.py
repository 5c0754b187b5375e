#!/usr/bin/env python3
"""run.py - what belfry does in a second, beside the ceiling, in one run

usage: tests/bench/run.py --build DIR --ceiling DIR [--rounds N]
                          [--only PART,...] [--quick | --full]

--build    a built tree of belfry (optimised, without sanitizers)
--ceiling  a writable folder with the ceiling programs, built there: sink,
           rawclient, multi, proto, nginx-tls.conf and peers/run.py; for peers
           also `npm install` done in peers/
--rounds   runs of each, in turn; the table has their medians (3)
--quick    one round, and sizes that end in minutes
--full     sizes that take an hour: 5 million waiting, 20 million finished
           deliveries, a million channels
--only     some of the parts:

PARTS

Run by hand, on a machine with nothing else to do: never part of `make check`.
Every figure is a ratio of runs taken in turn in this one run, or a size. A run
in which an answer was not 2xx, an event was lost or doubled, or the state that
it is to measure did not come about, has no result: the program says why, goes
on with the next part and ends with status 1. What it starts it ends, by its
process id. Traffic stays on 127.0.0.1, ports 8201, 9000 to 9003, 9080 and 9443
to 9445.

belfry runs with the defaults that are shipped; the conf file adds a listener, a
token and a channel, and the module stands in the common workers, as an installed
one does (see the class Belfry).

Prints a Markdown table: the figure, belfry, the ceiling, the ratio, the bar.
"""
import argparse
import signal
import sys

from backlog import backlog
from bench import Bench
from beside import beside
from load import latency, sustained, throughput
from mail import mail
from observe import Invalid
from peers import peers
from routing import routing
from secure import secure
from stores import growth, recovery
from tenants import tenants

PARTS = {
    "throughput": (throughput, "events/s, single and in batches, beside proto"),
    "sustained": (sustained, "a minute and more, with retention (faketime)"),
    "latency": (latency, "from post to arrival, at even rates"),
    "backlog": (backlog, "idle; memory of what waits; drain beside libcurl"),
    "recovery": (recovery, "a start on a backlog that was left"),
    "beside": (beside, "a healthy endpoint beside a silent and a failing one"),
    "secure": (secure, "HTTPS, HTTP/2, beside libcurl (nginx, openssl)"),
    "mail": (mail, "SMTP, beside libcurl (Debian's postfix: smtp-sink)"),
    "routing": (routing, "cost of many channels"),
    "tenants": (tenants, "cost of many tenants that were made over the API"),
    "growth": (growth, "cost of a long history"),
    "peers": (peers, "BullMQ, syslog-ng, ...: those that are installed"),
}

# What --quick, neither, and --full make of the sizes.
SIZES = {
    "quick": {"events": 50000, "waiting": (100000,), "backlogs": (100000,),
              "finished": (200000,), "channels": (10, 1000),
              "channels_that_match": (10, 1000), "tenants": (10, 2000),
              "tenant_events": 10000},
    "usual": {"events": 100000, "waiting": (100000, 1000000),
              "backlogs": (1000000,), "finished": (1000000,),
              "channels": (10, 1000, 100000),
              "channels_that_match": (10, 1000), "tenants": (10, 100000),
              "tenant_events": 50000},
    "full": {"events": 100000, "waiting": (100000, 1000000),
             "backlogs": (1000000, 5000000),
             "finished": (1000000, 5000000, 20000000),
             "channels": (10, 1000, 100000, 1000000),
             "channels_that_match": (10, 1000, 10000),
             "tenants": (10, 100000, 1000000),
             "tenant_events": 50000},
}


def arguments():
    listed = "\n".join(f"  {name:<11} {what}"
                       for name, (_, what) in PARTS.items())
    parser = argparse.ArgumentParser(
        description=__doc__.replace("PARTS", listed),
        formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--ceiling", required=True)
    parser.add_argument("--rounds", type=int)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="size", action="store_const",
                      const="quick", default="usual")
    size.add_argument("--full", dest="size", action="store_const",
                      const="full")
    parser.add_argument("--only", default=",".join(PARTS))
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.size == "quick" else 3)
    options.parts = options.only.split(",")
    for name in options.parts:
        if name not in PARTS:
            parser.error(f"no part {name}: there are {', '.join(PARTS)}")
    return options


def main():
    options = arguments()
    bench = Bench(options, SIZES[options.size])
    status = 0
    # A terminated run ends what it started, as an interrupted one does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for name in options.parts:
        rows = len(bench.rows)
        print(f"{name}:", flush=True)
        try:
            PARTS[name][0](bench)
        except Invalid as fault:
            print(f"run.py: {name} has no result: {fault}", file=sys.stderr)
            del bench.rows[rows:]
            status = 1
    bench.table()
    return status


if __name__ == "__main__":
    sys.exit(main())
