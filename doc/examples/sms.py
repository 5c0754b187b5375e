#!/usr/bin/env python3
"""sms.py - sends a short message to each phone for each event that it gets

usage: sms.py [options] --url URL --from NUMBER --to NUMBER ...

URL is a gateway that takes a form with From, To and Body, as Twilio's
https://api.twilio.com/2010-04-01/Accounts/SID/Messages.json does, with the user
name and password of $SMS_USER and $SMS_PASSWORD. When one phone's message
fails, belfry's next attempt sends that one alone.
"""
import base64
import os
import urllib.parse

import belfry_webhook

LENGTH = 160  # characters of one message


def text_of(delivery):
    """One message: what does not fit is cut, visibly."""
    text = " ".join(f"{delivery.subject} ({delivery.event})".split())
    return text if len(text) <= LENGTH else text[:LENGTH - 3] + "..."


def authorization():
    pair = f"{os.environ.get('SMS_USER')}:{os.environ.get('SMS_PASSWORD')}"
    return {"Authorization": "Basic "
            + base64.b64encode(pair.encode()).decode()}


def main():
    parser = belfry_webhook.options("Sends a short message for each event.")
    parser.add_argument("--url", required=True, help="of the gateway")
    parser.add_argument("--from", dest="sender", required=True)
    parser.add_argument("--to", action="append", required=True)
    given = parser.parse_args()

    def send(number, text):
        form = {"From": given.sender, "To": number, "Body": text}
        belfry_webhook.call(given.url, urllib.parse.urlencode(form).encode(),
                            authorization())

    def act(delivery):
        failed = []
        for number in given.to:
            try:
                delivery.once(number,
                              lambda: send(number, text_of(delivery)))
            except RuntimeError as error:  # the others get theirs
                failed.append(str(error))
        if failed:
            raise RuntimeError("; ".join(failed))

    belfry_webhook.serve(given, act)


if __name__ == "__main__":
    main()
