#!/usr/bin/env python3
"""annotate.py - marks each event that it gets on Grafana's dashboards

usage: annotate.py [options] --url https://grafana.example.com

Uses Grafana's annotations API with the service account token of $GRAFANA_TOKEN.
The annotation stands at the event's own time, tagged "belfry", the event's type
and the application's name; without --dashboard every dashboard that shows
one of these tags has it.
"""
import datetime
import json

import belfry_webhook


def milliseconds(timestamp):
    moment = datetime.datetime.fromisoformat(timestamp)
    return int(moment.timestamp() * 1000)


def annotation(delivery, dashboard):
    tags = ["belfry", delivery.event]
    name = delivery.metadata.get("application_name")
    if isinstance(name, str):
        tags.append(name)
    made = {"time": milliseconds(delivery.timestamp), "tags": tags,
            "text": delivery.subject}
    if dashboard:
        made["dashboardUID"] = dashboard
    return made


def main():
    parser = belfry_webhook.options("Marks each event on a dashboard.")
    parser.add_argument("--url", required=True, help="of Grafana")
    parser.add_argument("--dashboard", metavar="UID",
                        help="only on this dashboard")
    given = parser.parse_args()

    def act(delivery):
        body = json.dumps(annotation(delivery, given.dashboard))
        belfry_webhook.call(
            given.url.rstrip("/") + "/api/annotations", body.encode(),
            {"Content-Type": "application/json",
             **belfry_webhook.bearer("GRAFANA_TOKEN")})

    belfry_webhook.serve(given, act)


if __name__ == "__main__":
    main()
