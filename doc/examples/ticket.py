#!/usr/bin/env python3
"""ticket.py - opens a ticket for each event that it gets

usage: ticket.py [options] --url URL [--style gitlab | github]

URL is where the tracker takes new tickets, for instance
https://gitlab.example.com/api/v4/projects/42/issues or
https://api.github.com/repos/OWNER/NAME/issues. $TICKET_TOKEN holds its token.
Which events open a ticket is the channel's matter: events category:incident;
"""
import json

import belfry_webhook

STYLES = {
    "gitlab": lambda title, text, labels: {
        "title": title, "description": text, "labels": ",".join(labels)},
    "github": lambda title, text, labels: {
        "title": title, "body": text, "labels": labels},
}


def describe(delivery):
    """The ticket's text, in Markdown: metadata as a block of code, so that
    nothing in it is taken for markup."""
    metadata = json.dumps(delivery.metadata, indent=2, sort_keys=True)
    return (f"{delivery.event} at {delivery.timestamp}\n\n"
            f"    {metadata.replace(chr(10), chr(10) + '    ')}\n\n"
            f"belfry: {delivery.id}\n")


def main():
    parser = belfry_webhook.options("Opens a ticket for each event.")
    parser.add_argument("--url", required=True, help="of the tracker's API")
    parser.add_argument("--style", choices=STYLES, default="gitlab")
    parser.add_argument("--label", action="append", default=[])
    given = parser.parse_args()

    def act(delivery):
        ticket = STYLES[given.style](delivery.subject, describe(delivery),
                                     [*given.label, delivery.event])
        belfry_webhook.call(given.url, json.dumps(ticket).encode(), {
            "Content-Type": "application/json",
            "Idempotency-Key": delivery.id,
            **belfry_webhook.bearer("TICKET_TOKEN")})

    belfry_webhook.serve(given, act)


if __name__ == "__main__":
    main()
