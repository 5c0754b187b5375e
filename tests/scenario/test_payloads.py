"""What the chat modules make of a thousand events: within every limit of the
platforms, inert, and accepted by validators of other people.

Limits and their sources stand in modules/*/payload.c; here they are counted
anew, in UTF-16 units, from the JSON that would be sent.
"""
import json
import re
import subprocess

import pytest

import events
import harness
import npm

COUNT = 1000
SEED = 20260410
MODULES = {"slack": "slack-format", "discord": "discord-embed"}
EVENTS = events.generate(COUNT, SEED)


def units(text):
    return len(text.encode("utf-16-le")) // 2


def compose(platform, posted, *settings):
    """The payloads, as text, of a module's requests."""
    lines = "".join(json.dumps(event) + "\n" for event in posted)
    done = subprocess.run(
        ["./tests/unit/bodies", f".libs/{MODULES[platform]}.so",
         "url", "https://chat.example/hook", *settings], cwd=harness.BUILD,
        input=lines.encode(), capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    # Python reads strictly: broken UTF-8 and lone surrogates raise.
    return done.stdout.decode("utf-8").split("\n")[:-1]


@pytest.fixture(scope="module")
def payloads():
    return {platform: compose(platform, EVENTS) for platform in MODULES}


def texts_of(value):
    """Every text in a payload."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_of(item)


def check_cut(text):
    """A text that was shortened says by how much, and breaks no cluster."""
    assert "\ufffe" not in text
    for note in re.finditer(r"…( \([\d,]+ more characters?\))?", text):
        before = text[:note.start()]
        assert not before.endswith("\u200d"), text[-80:]


def check_slack_block(block):
    def one(text, most):
        assert 1 <= units(text["text"]) <= most, text["text"][:80]
        assert text["text"].strip()
        assert text["type"] in ("plain_text", "mrkdwn")
        assert text["type"] != "mrkdwn" or text["verbatim"] is True

    if block["type"] == "header":
        assert block["text"]["type"] == "plain_text"
        one(block["text"], 150)
    elif block["type"] == "section":
        assert ("text" in block) != ("fields" in block)
        if "text" in block:
            one(block["text"], 3000)
        assert 1 <= len(block.get("fields", [0])) <= 10
        for field in block.get("fields", []):
            one(field, 2000)
    else:
        assert block["type"] == "context"
        assert 1 <= len(block["elements"]) <= 10
        for element in block["elements"]:
            one(element, 2000)


def test_slack_keeps_every_limit(payloads):
    assert len(payloads["slack"]) == COUNT
    for line in payloads["slack"]:
        message = json.loads(line)
        [attachment] = message["attachments"]
        assert 1 <= units(message["text"]) <= 4000
        assert re.fullmatch("#[0-9a-f]{6}", attachment["color"])
        assert len(attachment["blocks"]) <= 50
        for block in attachment["blocks"]:
            check_slack_block(block)
        in_all = sum(units(text) for text in texts_of(attachment["blocks"]))
        assert in_all + units(message["text"]) < 13000
        for text in texts_of(message):
            check_cut(text)


def test_slack_mentions_nobody(payloads):
    for line in payloads["slack"]:
        message = json.loads(line)
        dates = 0
        for text in texts_of(message):
            # What is left of Slack's own signs: links, and our date.
            for inside in re.findall(r"<([^>]*)", text):
                if inside.startswith("!date^"):
                    dates += 1
                else:
                    assert re.match(r"(https?://|mailto:)", inside), text
        assert dates == 1


def test_discord_keeps_every_limit(payloads):
    assert len(payloads["discord"]) == COUNT
    for line in payloads["discord"]:
        message = json.loads(line)
        [embed] = message["embeds"]
        fields = embed.get("fields", [])
        assert 1 <= units(embed["title"]) <= 256 and embed["title"].strip()
        assert units(embed.get("description", "")) <= 4096
        assert 1 <= units(embed["footer"]["text"]) <= 2048
        assert len(fields) <= 25
        for field in fields:
            assert 1 <= units(field["name"]) <= 256
            assert 1 <= units(field["value"]) <= 1024
        in_all = units(embed["title"]) + units(embed["footer"]["text"]) + \
            units(embed.get("description", "")) + \
            sum(units(f["name"]) + units(f["value"]) for f in fields)
        assert in_all <= 6000
        for text in texts_of(message):
            check_cut(text)


def test_discord_mentions_nobody(payloads):
    for line in payloads["discord"]:
        message = json.loads(line)
        assert message["allowed_mentions"] == {"parse": []}
        assert "content" not in message
        for text in texts_of(message):
            assert not re.search("@(everyone|here)", text), text
            # A mention that is not escaped; in code there is none.
            text = re.sub(r"```.*?```|(?<!\\)`[^`]*`", "", text, flags=re.S)
            assert not re.search(r"(?<!\\)<(@[!&]?|#|t:|a?:\w+:)\d+", text), \
                text


def test_the_body_is_read(payloads):
    """The first word is seen in each, whatever comes behind it."""
    for number, (slack, discord) in enumerate(
            zip(payloads["slack"], payloads["discord"])):
        blocks = json.loads(slack)["attachments"][0]["blocks"]
        assert events.mark(number) in blocks[1]["text"]["text"]
        assert events.mark(number) in \
            json.loads(discord)["embeds"][0]["description"]


# ---- the operator's mentions ----

def test_the_operator_mentions_by_severity():
    critical = {"event": "incident_created", "subject": "down"}
    calm = {"event": "deploy_succeeded", "subject": "up"}
    settings = ["mention", "critical <!here>", "mention",
                "critical <@U024BE7LH>", "mention", "error <!channel>"]
    loud, quiet = map(json.loads, compose("slack", [critical, calm],
                                          *settings))
    assert loud["text"] == "<!here> <@U024BE7LH> down"
    assert quiet["text"] == "up"
    settings = ["mention", "critical @here", "mention", "critical @everyone",
                "mention", "critical <@&165511591545143296>", "mention",
                "critical <@165511591545143297>"]
    loud, quiet = map(json.loads, compose("discord", [critical, calm],
                                          *settings))
    assert loud["content"] == "@here @everyone <@&165511591545143296> " \
        "<@165511591545143297>"
    assert loud["allowed_mentions"] == {
        "parse": ["everyone"], "roles": ["165511591545143296"],
        "users": ["165511591545143297"]}
    assert quiet["allowed_mentions"] == {"parse": []}
    assert "content" not in quiet


def test_options_of_the_message():
    event = {"event": "deploy_succeeded", "subject": "up"}
    [slack] = map(json.loads, compose(
        "slack", [event], "username", "belfry", "icon_emoji", ":bell:",
        "channel", "#ops"))
    assert (slack["username"], slack["icon_emoji"], slack["channel"]) == \
        ("belfry", ":bell:", "#ops")
    [discord] = map(json.loads, compose(
        "discord", [event], "username", "belfry", "avatar_url",
        "https://example.com/bell.png"))
    assert discord["username"] == "belfry"
    assert discord["avatar_url"] == "https://example.com/bell.png"


def test_known_metadata_comes_first_and_the_rest_is_counted():
    event = {"event": "deploy_failed", "subject": "s", "metadata": {
        **{f"a{n:02}": n for n in range(40)},
        "deployment_id": "dep-1", "application_name": "shop"}}
    [slack] = map(json.loads, compose("slack", [event]))
    blocks = slack["attachments"][0]["blocks"]
    fields = [field["text"] for field in blocks[1]["fields"]]
    assert fields[:3] == ["application_name\nshop", "deployment_id\ndep-1",
                          "a00\n0"]
    assert len(fields) == 10
    assert blocks[2]["elements"][-1]["text"] == "and 32 more"
    [discord] = map(json.loads, compose("discord", [event]))
    fields = discord["embeds"][0]["fields"]
    assert fields[0] == {"name": "application\\_name", "value": "shop",
                         "inline": True}
    assert len(fields) == 25 and fields[-1]["value"] == "and 18 more"


# ---- what people try ----

def both(**event):
    """What Slack and Discord are sent of an event."""
    event = {"event": "deploy_failed", "subject": "s", **event}
    [slack] = map(json.loads, compose("slack", [event]))
    [discord] = map(json.loads, compose("discord", [event]))
    return slack, discord


def body_of(slack, discord):
    [section] = [block["text"]["text"] for block in
                 slack["attachments"][0]["blocks"]
                 if block["type"] == "section" and "text" in block]
    return section, discord["embeds"][0]["description"]


@pytest.mark.parametrize("written", [
    "&lt;!channel&gt;", "&#60;!channel&#62;", "&lt;!channel>",
    "&LT;!channel&GT;"])
def test_a_mention_of_slack_is_text(written):
    slack, discord = both(body=f"<p>{written} all</p>", subject="<!channel>",
                          metadata={"<!here>": "<@U024BE7LH>"})
    section, description = body_of(slack, discord)
    assert section == "&lt;!channel&gt; all"
    assert description == "\\<!channel> all"
    assert slack["text"] == "&lt;!channel&gt;"
    assert slack["attachments"][0]["blocks"][0]["text"]["text"] == \
        "&lt;!channel&gt;"
    assert "<!here>" not in json.dumps(slack)


def test_a_doubly_encoded_mention_is_text():
    section, _ = body_of(*both(body="&amp;lt;!channel&amp;gt;"))
    assert section == "&amp;lt;!channel&amp;gt;"


@pytest.mark.parametrize("written", [
    "@everyone", "@here", "<@80351110224678912>", "<@&165511591545143296>"])
def test_a_mention_of_discord_is_text(written):
    text = written.replace("<", "&lt;")
    _, discord = both(subject=written, body=f"<b>{text}</b> {text}",
                      metadata={written: written})
    for text in texts_of(discord["embeds"]):
        assert written not in text
    assert discord["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize("html, label", [
    ('<a href="javascript:alert(1)">click</a>', "click"),
    ('<a href="data:text/html,x">click</a>', "click"),
    ('<a href=" java&#10;script:x">click</a>', "click")])
def test_a_link_to_a_script_is_its_label(html, label):
    assert body_of(*both(body=html)) == (label, label)


def test_a_label_that_names_another_site_is_honest():
    section, description = body_of(*both(
        body='<a href="https://evil.example/">https://bank.example</a>'))
    assert section == "<https://bank.example> (<https://evil.example/>)"
    assert description == "https://bank.example (https://evil.example/)"


def test_a_deeply_nested_body_is_read():
    section, description = body_of(*both(
        body="<p>" + "<div><b>" * 20000 + "bottom"))
    assert "bottom" in section and "bottom" in description


@pytest.mark.parametrize("html", [
    "a&#0;b", "a&#1114112;b", "a&bogus;b", "a<![CDATA[x]]>b", "a<!-- x -->b",
    "<b>a<i>b</b>c</i>", "<table>a<tr>b", "</p></div>a<b"])
def test_a_broken_body_is_read(html):
    for text in body_of(*both(body=html)):
        assert text.startswith("a") or "a" in text


def test_emoji_are_cut_between_them():
    for emoji in ("😀", "👩‍👩‍👧‍👦", "👍🏽"):
        _, discord = both(body=emoji * 4096)
        description = discord["embeds"][0]["description"]
        assert units(description) <= 4096
        whole, _, rest = description.partition("… (")
        assert whole.replace(emoji, "") == "" and whole
        shown = whole.count(emoji) * len(emoji)
        assert rest == f"{4096 * len(emoji) - shown:,} more characters)"


def test_an_event_of_nothing_is_a_message():
    slack, discord = both(subject="", body="")
    assert slack["text"] == "deploy_failed"
    assert discord["embeds"][0]["title"] == "deploy\\_failed"


def test_formatting_in_names_stays_text():
    name = "```x``` *b* _i_ ~s~ > q"
    slack, discord = both(subject=name, metadata={name: name})
    blocks = slack["attachments"][0]["blocks"]
    # plain_text is shown as it is.
    assert blocks[0]["text"]["text"] == name.replace(">", "&gt;")
    assert blocks[1]["fields"][0]["text"] == \
        f"{name}\n{name}".replace(">", "&gt;")
    for text in (discord["embeds"][0]["title"],
                 discord["embeds"][0]["fields"][0]["name"],
                 discord["embeds"][0]["fields"][0]["value"]):
        assert not re.search(r"(?<!\\)[`*_~]", text), text
        assert text.replace("\\", "") == name


# ---- validators of others ----

@pytest.fixture(scope="module")
def packages():
    return npm.packages()


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True,
                          timeout=600)
    assert done.returncode == 0, (done.stdout + done.stderr)[:6000]
    return done.stdout


@pytest.mark.parametrize("platform", MODULES)
def test_payloads_have_the_published_types(payloads, packages, platform):
    file = packages / f"{platform}.json"
    file.write_text("\n".join(payloads[platform]), "utf-8")
    run(packages, "node", npm.SOURCE / "check.mjs", "types", file, platform)
    run(packages, "./node_modules/.bin/tsc", "--noEmit", "--strict",
        "--skipLibCheck", "--module", "node16", "--target", "es2022",
        f"{file}.ts")


def test_the_types_refuse_what_is_wrong(packages):
    """The compilation is a test that can fail."""
    wrong = {"slack": '{"text":"x","attachments":[{"blocks":'
                      '[{"type":"header","text":{"type":"mrkdwn"}}]}]}',
             "discord": '{"embeds":[{"title":5}]}'}
    for platform, line in wrong.items():
        file = packages / f"wrong-{platform}.json"
        file.write_text(line)
        run(packages, "node", npm.SOURCE / "check.mjs", "types", file, platform)
        done = subprocess.run(
            ["./node_modules/.bin/tsc", "--noEmit", "--strict",
             "--skipLibCheck", "--module", "node16", "--target", "es2022",
             f"{file}.ts"], cwd=packages, capture_output=True, timeout=300)
        assert done.returncode != 0, platform


def test_discord_builders_accept_every_embed(payloads, packages):
    file = packages / "embeds.json"
    file.write_text("\n".join(payloads["discord"]), "utf-8")
    assert f"{COUNT} payloads" in run(packages, "node", npm.SOURCE / "check.mjs",
                                      "discord", file)
    file.write_text('{"embeds":[{"title":"%s"}]}' % ("x" * 257))
    done = subprocess.run(["node", npm.SOURCE / "check.mjs", "discord", file],
                          cwd=packages, capture_output=True, timeout=60)
    assert done.returncode != 0
