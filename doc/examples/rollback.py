#!/usr/bin/env python3
"""rollback.py - rolls a failed deployment back

usage: rollback.py [options] --only KEY=VALUE ... -- COMMAND [ARGUMENT ...]

Runs the command for each deploy_failed event whose metadata holds every
--only pair, once for each delivery. The command gets what it needs to know in
its environment: BELFRY_EVENT, BELFRY_SUBJECT, and BELFRY_METADATA_NAME for each
metadata member "name". It is run without a shell, and nothing of the event is
ever part of its command line.
"""
import os
import re
import subprocess

import belfry_webhook


def environment(delivery):
    variables = {**os.environ, "BELFRY_EVENT": delivery.event,
                 "BELFRY_SUBJECT": delivery.subject}
    variables.pop("WEBHOOK_SECRET", None)
    for name, value in delivery.metadata.items():
        if re.fullmatch("[A-Za-z0-9_]+", name):
            variables[f"BELFRY_METADATA_{name.upper()}"] = str(value)
    return variables


def pair(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(text)
    return name, value


def is_meant(delivery, only):
    return delivery.event == "deploy_failed" and all(
        str(delivery.metadata.get(name)) == value for name, value in only)


def main():
    parser = belfry_webhook.options("Rolls a failed deployment back.")
    parser.add_argument("--only", metavar="KEY=VALUE", action="append",
                        default=[], type=pair,
                        help="only events whose metadata has this")
    parser.add_argument("--timeout", type=float, default=9,
                        help="seconds for the command: less than the "
                             "channel's timeout (default: %(default)s)")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()

    def act(delivery):
        if is_meant(delivery, given.only):
            subprocess.run(given.command, env=environment(delivery),
                           check=True, timeout=given.timeout,
                           stdin=subprocess.DEVNULL)

    belfry_webhook.serve(given, act)


if __name__ == "__main__":
    main()
